/**
 * A PNG with its pixel data unpacked (RFC 1950 stored blocks), for FFmpeg to decode: Node's zlib inflates two to three
 * times as fast as the one inside FFmpeg, and inflating is most of what a PNG costs. Filters, colours and scaling stay
 * FFmpeg's. Synchronous.
 */
import { crc32, inflateSync } from 'node:zlib';
import { freeMemory } from './free-memory.ts';

/** Signature, then IHDR with length, type, 13 bytes and checksum. */
const HEAD_BYTES = 8 + 25;
const IHDR_AT = 16;
const STORED_MAX_BYTES = 0xffff;
/** Length, type, checksum. */
const CHUNK_BYTES = 12;
/** Node's own. */
const CHUNK_MIN_BYTES = 64;
const NO_PRESET_32K_WINDOW = [0x78, 0x01];

/**
 * The same picture, its data stored; `png` itself when it is not of 8-bit RGB or RGBA in plain rows, larger than
 * `pixelsMax`, or damaged: then FFmpeg says what it makes of it.
 */
export function storedPng(png: Uint8Array, pixelsMax: number): Uint8Array {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const rawBytes = rowsBytes(bytes, pixelsMax);
  const packed = rawBytes === undefined ? undefined : dataOf(bytes);
  if (rawBytes === undefined || packed === undefined || packed.length < 6) return png;
  try {
    // One piece of memory; one byte more, so that data that is too long shows as such.
    const chunkSize = Math.max(CHUNK_MIN_BYTES, rawBytes + 1);
    const rows = inflateSync(packed, { chunkSize, maxOutputLength: rawBytes + 1 });
    const stored = rows.length === rawBytes ? written(bytes, rows, packed.subarray(-4)) : png;
    freeMemory(rows);
    return stored;
  } catch {
    return png;
  }
}

/** Of all rows with their filter bytes. */
function rowsBytes(bytes: Buffer, pixelsMax: number): number | undefined {
  if (bytes.length < HEAD_BYTES || bytes.toString('latin1', 12, IHDR_AT) !== 'IHDR') return undefined;
  const [widthPx, heightPx] = [bytes.readUInt32BE(IHDR_AT), bytes.readUInt32BE(IHDR_AT + 4)];
  const [depth, colourType, , , interlaced] = bytes.subarray(IHDR_AT + 8);
  const channels = { 2: 3, 6: 4 }[colourType ?? 0];
  if (depth !== 8 || channels === undefined || interlaced !== 0 || widthPx * heightPx > pixelsMax) return undefined;
  return heightPx * (1 + widthPx * channels);
}

/** What all IDAT chunks hold together. */
function dataOf(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = HEAD_BYTES; at + CHUNK_BYTES <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') break;
    // A palette or transparency changes what the pixels mean; servers of video send neither.
    if (end > bytes.length || type === 'tRNS') return undefined;
    if (type === 'IDAT') parts.push(bytes.subarray(at + 8, end));
    at = end + 4;
  }
  const [only] = parts;
  return parts.length === 1 ? only : Buffer.concat(parts);
}

/** `adler32`: of the rows, as the packed data ends. */
function written(png: Buffer, rows: Buffer, adler32: Buffer): Uint8Array {
  const blocks = Math.ceil(rows.length / STORED_MAX_BYTES);
  const dataBytes = 2 + blocks * 5 + rows.length + 4;
  const stored = Buffer.allocUnsafe(HEAD_BYTES + CHUNK_BYTES + dataBytes + CHUNK_BYTES);
  png.copy(stored, 0, 0, HEAD_BYTES);
  stored.writeUInt32BE(dataBytes, HEAD_BYTES);
  const typeAt = HEAD_BYTES + 4;
  stored.write('IDAT', typeAt, 'latin1');
  stored.set(NO_PRESET_32K_WINDOW, typeAt + 4);
  let at = typeAt + 6;
  for (let block = 0; block < blocks; block++) {
    const part = rows.subarray(block * STORED_MAX_BYTES, (block + 1) * STORED_MAX_BYTES);
    stored[at] = block === blocks - 1 ? 1 : 0;
    stored.writeUInt16LE(part.length, at + 1);
    stored.writeUInt16LE(part.length ^ 0xffff, at + 3);
    part.copy(stored, at + 5);
    at += 5 + part.length;
  }
  adler32.copy(stored, at);
  stored.writeUInt32BE(crc32(stored.subarray(typeAt, at + 4)), at + 4);
  stored.writeUInt32BE(0, at + 8);
  stored.write('IEND', at + 12, 'latin1');
  stored.writeUInt32BE(crc32('IEND'), at + 16);
  return stored;
}
