/** Every RTCPeerConnection the SDK makes in this process, so that a test can say how many there are and in what state. */
import './browser-globals.ts';

export const madePeers: RTCPeerConnection[] = [];

const Native = globalThis.RTCPeerConnection;
const lost = new WeakSet<object>();

globalThis.RTCPeerConnection = class extends Native {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    const watched = new Proxy<RTCPeerConnection>(this, {
      get(peer, key, self: object) {
        if (key === 'connectionState' && lost.has(self) && peer.signalingState !== 'closed') return 'failed';
        const value: unknown = Reflect.get(peer, key);
        return typeof value === 'function' ? value.bind(peer) : value;
      },
      set: (peer, key, value) => Reflect.set(peer, key, value),
    });
    madePeers.push(watched);
    return watched;
  }
};

export const openPeers = (): RTCPeerConnection[] =>
  madePeers.filter(({ signalingState }) => signalingState !== 'closed');

/** The path of `peer` is found dead, now: libwebrtc takes 15 s to say so. */
export function losePath(peer: RTCPeerConnection): void {
  lost.add(peer);
  peer.dispatchEvent(new Event('connectionstatechange'));
}
