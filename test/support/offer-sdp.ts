/** The shape of a browser's recvonly offer, with the parts that tests vary. */
export interface OfferParts {
  ufrag?: string;
  pwd?: string;
  /** Lines put at the end of the video section. */
  extra?: readonly string[];
}

export const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, (_, index) => (index + 16).toString(16).toUpperCase()).join(':')}`;

export function offerSdp({ ufrag = 'abcd', pwd = 'abcdefghijklmnopqrstuvwx', extra = [] }: OfferParts = {}): string {
  const ice = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, 'a=ice-options:trickle', `a=fingerprint:${FINGERPRINT}`];
  const lines = [
    'v=0',
    'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0 1',
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    ...ice,
    'a=setup:actpass',
    'a=mid:0',
    'a=recvonly',
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 nack pli',
    'a=rtpmap:97 H264/90000',
    ...extra,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    ...ice,
    'a=setup:actpass',
    'a=mid:1',
    'a=sctp-port:5000',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
