/**
 * Every RTCPeerConnection the SDK makes in this process, so that a test can say how many there are and in what state.
 * Their paths are lost when a test says so, and at no other time.
 */
import './browser-globals.ts';

export const madePeers: RTCPeerConnection[] = [];

const Native = globalThis.RTCPeerConnection;
const lost = new WeakSet<object>();

globalThis.RTCPeerConnection = class extends Native {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    const watched = new Proxy<RTCPeerConnection>(this, {
      get(peer, key, self: object) {
        const value: unknown = Reflect.get(peer, key);
        if (key === 'connectionState' && lost.has(self) && value !== 'closed') return 'failed';
        // libwebrtc goes by the clock: on a busy machine it takes a path for dead that is only slow.
        if (value === 'disconnected' || value === 'failed') return 'connected';
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
