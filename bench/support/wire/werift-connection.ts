/** werift's peer connection set up as a browser that receives one video: its feedback, its extensions, loopback only. */
import * as werift from 'werift';

const FEEDBACK = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'transport-cc' },
  { type: 'goog-remb' },
];
const EXTENSIONS = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
];

export function receivingConnection(codec: 'VP8' | 'H264' = 'VP8'): werift.RTCPeerConnection {
  const video = new werift.RTCRtpCodecParameters({
    mimeType: `video/${codec}`,
    clockRate: 90_000,
    rtcpFeedback: FEEDBACK,
    ...(codec === 'H264' ? { parameters: 'packetization-mode=1;profile-level-id=42e01f' } : {}),
  });
  const rtx = new werift.RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000 });
  const pc = new werift.RTCPeerConnection({
    codecs: { audio: [], video: [video, rtx] },
    headerExtensions: { video: EXTENSIONS.map((uri) => new werift.RTCRtpHeaderExtensionParameters({ uri })) },
    iceServers: [],
    iceUseIpv6: false,
    iceUseTcp: false,
    iceAdditionalHostAddresses: ['127.0.0.1'],
    iceFilterCandidatePair: (pair) => pair.localCandidate.host === '127.0.0.1',
  });
  pc.addTransceiver('video', { direction: 'recvonly' });
  // Without this it would ask a public server for its address.
  for (const { connection } of pc.iceTransports) delete connection.stunServer;
  return pc;
}
