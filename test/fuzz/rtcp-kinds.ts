/** One packet of each kind of RTCP that a viewer may send, read or not, about stream `SSRC`. */
import { VP8_VIDEO } from '../../bench/link/media-port.ts';
import { rtcpPacket } from '../../bench/support/wire/rtcp-builder.ts';

const { ssrc: SSRC } = VP8_VIDEO;
const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
const words = (...values: number[]): number[] => values.flatMap(word);
/** Sender and media source, as in all feedback (RFC 4585 section 6.1). */
const about = words(1, SSRC);
const block = words(SSRC, 0x10_000002, 1_000, 40, 0x1234_5678, 6_553);

export const RTCP_KINDS: Readonly<Record<string, Uint8Array>> = {
  senderReport: rtcpPacket(200, 1, [...words(1, 2, 3, 4, 5, 6), ...block]),
  receiverReport: rtcpPacket(201, 1, [...words(1), ...block]),
  sourceDescription: rtcpPacket(202, 1, [...words(1), 1, 4, ...Buffer.from('name'), 0, 0]),
  bye: rtcpPacket(203, 1, words(SSRC)),
  application: rtcpPacket(204, 3, [...words(1), ...Buffer.from('glim'), 1, 2, 3, 4]),
  nack: rtcpPacket(205, 1, [...about, 0, 5, 0xff, 0xff]),
  tmmbr: rtcpPacket(205, 3, [...about, ...words(SSRC, 0x1234_5628)]),
  tmmbn: rtcpPacket(205, 4, [...about, ...words(SSRC, 0x1234_5628)]),
  resynchronisation: rtcpPacket(205, 5, about),
  thirdPartyLoss: rtcpPacket(205, 7, [...about, ...words(5)]),
  ecn: rtcpPacket(205, 8, [...about, ...words(1, 2, 3, 4, 5)]),
  congestionControl: rtcpPacket(205, 11, [...about, ...words(SSRC), 0, 5, 0, 2, 0x80, 1, 0x80, 2, ...words(9)]),
  transportWide: rtcpPacket(205, 15, [...about, 0, 1, 0, 5, 0, 0, 1, 0x20, 0x20, 5, 4, 4, 4, 4, 4]),
  transportWideVector: rtcpPacket(205, 15, [...about, 0, 2, 0, 7, 0, 0, 1, 2, 0xd5, 0x55, 4, 4, 4, 4, 4, 4, 4]),
  pli: rtcpPacket(206, 1, about),
  sli: rtcpPacket(206, 2, [...about, ...words(0x0800_8040)]),
  rpsi: rtcpPacket(206, 3, [...about, 0, 96, 1, 2]),
  fir: rtcpPacket(206, 4, [...about, ...words(SSRC), 7, 0, 0, 0]),
  tstr: rtcpPacket(206, 5, [...about, ...words(SSRC), 7, 0, 0, 3]),
  tstn: rtcpPacket(206, 6, [...about, ...words(SSRC), 7, 0, 0, 3]),
  vbcm: rtcpPacket(206, 7, [...about, ...words(SSRC), 7, 96, 0, 4, 1, 2, 3, 4]),
  lrr: rtcpPacket(206, 10, [...about, ...words(SSRC), 7, 0x80, 0, 0, ...words(0)]),
  remb: rtcpPacket(206, 15, [...about, ...Buffer.from('REMB'), 1, 0x0b, 0xff, 0xff, ...words(SSRC)]),
  extendedReport: rtcpPacket(207, 0, [...words(1), 4, 0, 0, 2, ...words(3, 4), 5, 0, 0, 3, ...words(SSRC, 7, 8)]),
};
