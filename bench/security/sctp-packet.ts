/** SCTP packets chunk by chunk (RFC 9260 section 3), so that they can say what no peer would. */
import { CHUNK } from '../../src/transport/peer/sctp/packet.ts';

const CRC32C_POLYNOMIAL = 0x82f6_3b78;
const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  return crc;
});
const PPID_STRING = 51;
const STATE_COOKIE = 7;
const INIT_ACK_PARAMETERS_AT = 32;

export const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16BE(value, 2 * index));
  return bytes;
};
export const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, 4 * index));
  return bytes;
};

/** A chunk; `length` other than what it has where it is to lie. */
export function chunk(type: number, flags: number, body: Buffer, length = body.length + 4): Buffer {
  return Buffer.concat([Buffer.from([type, flags]), u16(length), body, Buffer.alloc(-body.length & 3)]);
}

/** Writes the checksum (RFC 9260 appendix A) into a packet, whatever else it holds. */
export function withChecksum(packet: Buffer): Buffer {
  packet.fill(0, 8, 12);
  let crc = 0xffff_ffff;
  for (const byte of packet) crc = CRC32C[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  packet.writeUInt32LE(~crc >>> 0, 8);
  return packet;
}

export function packetOf(verificationTag: number, ...chunks: readonly Buffer[]): Buffer {
  return withChecksum(Buffer.concat([u16(5000, 5000), u32(verificationTag, 0), ...chunks]));
}

export const init = (tag: number, firstTsn: number): Buffer =>
  chunk(CHUNK.init, 0, Buffer.concat([u32(tag, 100_000), u16(10, 10), u32(firstTsn)]));

/** What an INIT ACK says: the verification tag to use, the first TSN of its sender, and the cookie to echo. */
export function readInitAck(packet: Buffer): { tag: number; firstTsn: number; cookieEcho: Buffer } {
  let cookie: Buffer = Buffer.alloc(0);
  for (let at = INIT_ACK_PARAMETERS_AT; at + 4 <= packet.length;) {
    const length = Math.max(4, packet.readUInt16BE(at + 2));
    if (packet.readUInt16BE(at) === STATE_COOKIE) cookie = packet.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
  const [tag, firstTsn] = [packet.readUInt32BE(16), packet.readUInt32BE(28)];
  return { tag, firstTsn, cookieEcho: chunk(CHUNK.cookieEcho, 0, cookie) };
}

export const sack = (cumulativeTsn: number, gaps: readonly (readonly [number, number])[], duplicates = 0): Buffer =>
  chunk(
    CHUNK.sack,
    0,
    Buffer.concat([
      u32(cumulativeTsn, 100_000),
      u16(gaps.length, duplicates),
      ...gaps.map(([start, end]) => u16(start, end)),
      Buffer.alloc(4 * duplicates),
    ]),
  );

/** DATA; flags 3 is a whole message. */
export const data = (tsn: number, text: string, { flags = 3, stream = 0, sequence = 0 } = {}): Buffer =>
  chunk(CHUNK.data, flags, Buffer.concat([u32(tsn), u16(stream, sequence), u32(PPID_STRING), Buffer.from(text)]));
