/** Every RTCPeerConnection the SDK makes in this process, so that a test can say how many there are and in what state. */
import './browser-globals.ts';

export const madePeers: RTCPeerConnection[] = [];

const Native = globalThis.RTCPeerConnection;

globalThis.RTCPeerConnection = class extends Native {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    madePeers.push(this);
  }
};

export const openPeers = (): RTCPeerConnection[] =>
  madePeers.filter(({ signalingState }) => signalingState !== 'closed');
