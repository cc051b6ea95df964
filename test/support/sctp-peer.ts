/** A peer that speaks SCTP to a `ControlChannel` in memory, chunk by chunk, so that it can say what no peer would. */
import { ControlChannel } from '../../src/transport/peer/control-channel.ts';
import { CHUNK } from '../../src/transport/peer/sctp/packet.ts';

const TAG = 0x1234_5678;
const FIRST_TSN = 1_000;
const CRC32C_POLYNOMIAL = 0x82f6_3b78;
const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  return crc;
});

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

/** A chunk; `length` other than what it has where a test wants a lie. */
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
  chunk(CHUNK.data, flags, Buffer.concat([u32(tsn), u16(stream, sequence), u32(51), Buffer.from(text)]));

export class SctpPeer {
  readonly channel: ControlChannel;
  /** Packets of the channel, in order. */
  readonly answers: Buffer[] = [];
  readonly failures: unknown[] = [];
  nowUs = 0;
  /** Verification tag of the channel; 0 before `establish`. */
  tag = 0;
  /** TSN of the channel's first DATA. */
  theirTsn = 0;
  readonly firstTsn = FIRST_TSN;

  constructor() {
    this.channel = new ControlChannel(async (packet) => void this.answers.push(packet), 5000);
    this.channel.events.on('failed', (error) => this.failures.push(error));
  }

  /** INIT and COOKIE ECHO, and what the channel answers. */
  async establish(): Promise<void> {
    const init = Buffer.concat([u32(TAG, 100_000), u16(10, 10), u32(FIRST_TSN)]);
    await this.deliver(packetOf(0, chunk(CHUNK.init, 0, init)));
    const ack = this.answers.at(-1)!;
    this.tag = ack.readUInt32BE(16);
    this.theirTsn = ack.readUInt32BE(28);
    for (let at = 32; at < ack.length;) {
      const length = ack.readUInt16BE(at + 2);
      if (ack.readUInt16BE(at) === 7) await this.send(chunk(CHUNK.cookieEcho, 0, ack.subarray(at + 4, at + length)));
      at += (length + 3) & ~3;
    }
  }

  send(...chunks: readonly Buffer[]): Promise<boolean> {
    return this.deliver(packetOf(this.tag, ...chunks));
  }

  /** Resolves when the association is done with the packet; false when it was refused before. */
  async deliver(packet: Buffer): Promise<boolean> {
    const taken = this.channel.receive(packet, this.nowUs);
    await new Promise((resolve) => setImmediate(resolve));
    return taken;
  }
}
