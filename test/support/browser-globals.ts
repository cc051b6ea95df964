/** Gives Node the WebRTC globals of a browser, from libwebrtc, so that the SDK runs as it stands. */
import wrtc from '@roamhq/wrtc';

Object.assign(globalThis, { RTCPeerConnection: wrtc.RTCPeerConnection, MediaStream: wrtc.MediaStream });
