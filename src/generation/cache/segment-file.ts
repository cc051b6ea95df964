/**
 * The file format of a segment: magic, checksum, a header of fixed size, then frames, latents and sound compressed
 * without loss. The checksum covers the segment's key too, so a file under a wrong name counts as damaged. zstd at level 3
 * makes the embedded model's refined slices 2.1 to 2.9 times smaller in 1.4 ms and reads them in 0.3 ms; brotli
 * (quality 4) takes 3 to 4 ms for 2.2 to 3.2 times. Both run on a pool thread.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { i420Bytes, type I420Frame } from '../../picture/frame.ts';
import { TIERS } from '../../picture/tiers.ts';
import type { Segment } from './segment.ts';

const MAGIC = Buffer.from('GLSEG2\r\n', 'latin1');
const CHECKSUM_BYTES = 32;
/** Tier u8, channels u8, width u16, height u16, frames u16, latents u32, sound samples u32, little-endian. */
const HEADER_BYTES = 16;
const BODY_AT = MAGIC.length + CHECKSUM_BYTES;
const LEVEL = 3;
/** Larger than any slice; limits what a damaged header makes us allocate. */
const SEGMENT_MAX_BYTES = 1 << 29;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export async function encodeSegment(key: string, { tier, frames, latents, audio }: Segment): Promise<Buffer> {
  const { widthPx = 0, heightPx = 0 } = frames[0] ?? {};
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(TIERS.indexOf(tier), 0);
  header.writeUInt8(audio?.channels ?? 0, 1);
  header.writeUInt16LE(widthPx, 2);
  header.writeUInt16LE(heightPx, 4);
  header.writeUInt16LE(frames.length, 6);
  header.writeUInt32LE(latents?.length ?? 0, 8);
  header.writeUInt32LE(audio?.samples.length ?? 0, 12);
  const floats = [latents, audio?.samples].flatMap((values) => (values ? [bytesOf(values)] : []));
  const raw = Buffer.concat([...frames.map(({ data }) => data), ...floats]);
  const packed = await compress(raw, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  return Buffer.concat([MAGIC, checksum(key, [header, packed]), header, packed]);
}

/** Undefined if the file is damaged, truncated, of another format or of another segment. Never throws. */
export async function decodeSegment(key: string, file: Buffer): Promise<Segment | undefined> {
  if (file.length < BODY_AT + HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const body = file.subarray(BODY_AT);
  if (!file.subarray(MAGIC.length, BODY_AT).equals(checksum(key, [body]))) return undefined;
  const tier = TIERS[body.readUInt8(0)];
  const [widthPx, heightPx, count] = [body.readUInt16LE(2), body.readUInt16LE(4), body.readUInt16LE(6)];
  const latentsBytes = body.readUInt32LE(8) * Float32Array.BYTES_PER_ELEMENT;
  const [channels, audioBytes] = [body.readUInt8(1), body.readUInt32LE(12) * Float32Array.BYTES_PER_ELEMENT];
  const frameBytes = i420Bytes(widthPx, heightPx);
  const total = count * frameBytes + latentsBytes + audioBytes;
  if (channels > 2 || (channels === 0) !== (audioBytes === 0)) return undefined;
  if (tier === undefined || count === 0 || frameBytes === 0 || total > SEGMENT_MAX_BYTES) return undefined;
  const raw = await decompress(body.subarray(HEADER_BYTES), { maxOutputLength: total }).catch(() => undefined);
  if (raw?.length !== total) return undefined;
  // Own, aligned memory: a small result may lie inside Node's shared buffer pool.
  const data = Uint8Array.from(raw);
  const frames: I420Frame[] = Array.from({ length: count }, (_, index) => ({
    widthPx,
    heightPx,
    data: data.subarray(index * frameBytes, (index + 1) * frameBytes),
  }));
  const latentsAt = count * frameBytes;
  const latents = floatsOf(data, latentsAt, latentsAt + latentsBytes);
  const samples = floatsOf(data, latentsAt + latentsBytes, total);
  return { tier, frames, latents, ...(samples && { audio: { channels: channels === 1 ? 1 : 2, samples } }) };
}

function checksum(key: string, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(key);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** In memory of their own: they need not be aligned in the file. Undefined where there are none. */
const floatsOf = (data: Uint8Array, from: number, to: number): Float32Array | undefined =>
  from === to ? undefined : new Float32Array(data.slice(from, to).buffer);
