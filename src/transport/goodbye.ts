/** RTCP BYE (RFC 3550 section 6.6): tells a viewer that the streams have ended. Pure. */
import type { NegotiatedAudio, NegotiatedVideo } from './media-path.ts';

const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const BYE = 203;
const CNAME = 1;

/** One compound packet: an empty report, which every compound starts with (section 6.1), the CNAME, and BYE. */
export function buildGoodbye(
  { ssrc, rtx }: Pick<NegotiatedVideo, 'ssrc' | 'rtx'>,
  audio: Pick<NegotiatedAudio, 'ssrc'> | undefined,
  cname: string,
): Uint8Array {
  const name = Buffer.from(cname, 'ascii');
  // Item type, length, text, and at least one zero byte that ends the chunk on a word boundary.
  const item = Buffer.alloc((2 + name.length + 4) & ~3);
  item.set([CNAME, name.length]);
  item.set(name, 2);
  const ended = [ssrc, ...(rtx ? [rtx.ssrc] : []), ...(audio ? [audio.ssrc] : [])];
  return Buffer.concat([
    packet(RECEIVER_REPORT, 0, words(ssrc)),
    packet(SOURCE_DESCRIPTION, 1, Buffer.concat([words(ssrc), item])),
    packet(BYE, ended.length, words(...ended)),
  ]);
}

function packet(type: number, count: number, body: Buffer): Buffer {
  const header = Buffer.from([0x80 | count, type, 0, 0]);
  header.writeUInt16BE(body.length / 4, 2);
  return Buffer.concat([header, body]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}
