/** Offers of up to 64 KiB in which one thing is there over and over: what a parser that looks twice at anything is slow at. */
import { INPUT_MAX_BYTES } from './mutate.ts';
import { offerSdp } from '../support/offer-sdp.ts';

const FIRST_VIDEO = 'm=video 9 UDP/TLS/RTP/SAVPF 96 97';

/** As often as there is room for. */
const fill = (text: string, room = INPUT_MAX_BYTES - 2_000): string => text.repeat(Math.floor(room / text.length));
const h264 = (sdp: string): string => sdp.replace('VP8', 'XX');
const withFormats = (formats: string, fmtp: string): string =>
  offerSdp({ extra: [`a=fmtp:97 ${fmtp}`] }).replace(FIRST_VIDEO, `${FIRST_VIDEO}${formats}`);

/** Name and offer. The first two took a minute of CPU each. */
export const SDP_REPEATS: readonly (readonly [name: string, sdp: string])[] = [
  ['a payload type and one long fmtp', h264(withFormats(' 97'.repeat(7_000), fill('a=b;', 40_000)))],
  ['payload types and one long fmtp', withFormats(fill(' 97', 30_000), fill('x;', 30_000))],
  ['different payload types', withFormats(Array.from({ length: 12_000 }, (_, index) => ` ${index}`).join(''), 'a=b')],
  ['fmtp lines of one payload type', offerSdp({ extra: fill('a=fmtp:97 a=b\n', 58_000).trimEnd().split('\n') })],
  ['fmtp lines, as many as are allowed', h264(offerSdp({ extra: Array(570).fill(`a=fmtp:97 ${fill('a;', 90)}`) }))],
  ['rtcp-fb lines', offerSdp({ extra: Array(570).fill('a=rtcp-fb:96 nack pli') })],
  ['extmap lines', offerSdp({ extra: Array.from({ length: 570 }, (_, id) => `a=extmap:${id} urn:${fill('x', 80)}`) })],
  ['fingerprints', offerSdp({ extra: Array(550).fill(`a=fingerprint:sha-256 ${fill('AA:', 90)}AA`) })],
  ['mids in a bundle', offerSdp().replace('BUNDLE 0 1', `BUNDLE ${fill('0 ')}`)],
  ['empty lines', `${offerSdp()}${fill('\n')}`],
  ['spaces', offerSdp({ extra: [`a=fingerprint:sha-256${fill(' ')}x`] })],
  ['digits of a version', offerSdp().replace(' 2 IN', ` ${fill('9')} IN`)],
  [
    'candidates',
    offerSdp({ extra: fill('a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n', 60_000).trimEnd().split('\n') }),
  ],
];
