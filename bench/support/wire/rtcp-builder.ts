/** RTCP as a receiver writes it: feedback and reports, one packet each, to be joined into compounds. */
const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** A packet with its header; the body is padded with zeros to a word boundary without the padding bit. */
export function rtcpPacket(packetType: number, count: number, body: readonly number[]): Uint8Array {
  const words = Math.ceil(body.length / 4);
  const packet = new Uint8Array(4 + words * 4);
  packet.set([0x80 | count, packetType, words >> 8, words & 0xff]);
  packet.set(body, 4);
  return packet;
}

export const joined = (...packets: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(packets.flatMap((packet) => [...packet]));

export const pli = (mediaSsrc: number): Uint8Array => rtcpPacket(206, 1, [...word(1), ...word(mediaSsrc)]);

export const fir = (ssrc: number, commandSequence: number): Uint8Array =>
  rtcpPacket(206, 4, [...word(1), ...word(0), ...word(ssrc), commandSequence, 0, 0, 0]);

/** Each entry: a packet id and the bit mask of the sixteen after it. */
export const nack = (mediaSsrc: number, entries: readonly (readonly [number, number])[]): Uint8Array =>
  rtcpPacket(205, 1, [
    ...word(1),
    ...word(mediaSsrc),
    ...entries.flatMap(([id, mask]) => [id >> 8, id & 0xff, mask >> 8, mask & 0xff]),
  ]);

export const remb = (bitrateBps: number, ssrc: number): Uint8Array => {
  const exponent = Math.max(0, Math.ceil(Math.log2(bitrateBps / 0x3_ffff)));
  const mantissa = Math.floor(bitrateBps / 2 ** exponent);
  const packed = [(exponent << 2) | (mantissa >> 16), (mantissa >> 8) & 0xff, mantissa & 0xff];
  return rtcpPacket(206, 15, [...word(1), ...word(0), ...Buffer.from('REMB'), 1, ...packed, ...word(ssrc)]);
};

/** The padding bit is used as browsers do, because the feedback's length is rarely a multiple of four. */
export const transportFeedback = (mediaSsrc: number, fci: Uint8Array): Uint8Array => {
  const packet = rtcpPacket(205, 15, [...word(1), ...word(mediaSsrc), ...fci]);
  const padding = (4 - (fci.length % 4)) % 4;
  if (padding > 0) {
    packet[0]! |= 0x20;
    packet[packet.length - 1] = padding;
  }
  return packet;
};

export interface BlockFields {
  ssrc: number;
  fractionLost?: number;
  lastSenderReport: number;
  delaySinceLastSenderReport: number;
}

export const receiverReport = (block: BlockFields): Uint8Array =>
  rtcpPacket(201, 1, [
    ...word(1),
    ...word(block.ssrc),
    block.fractionLost ?? 0,
    0,
    0,
    0,
    ...word(0),
    ...word(0),
    ...word(block.lastSenderReport),
    ...word(block.delaySinceLastSenderReport),
  ]);
