/**
 * Converts a PNG to uncompressed data (RFC 1950 stored blocks) for FFmpeg: Node's zlib inflates two to three times
 * faster than FFmpeg's, and inflating is most of the cost of a PNG. FFmpeg still handles filters, colors and scaling.
 * Also detects truncated PNGs, in which FFmpeg would leave old memory, possibly another user's picture. Synchronous.
 */
import { crc32, inflateSync } from 'node:zlib';
import { freeMemory } from './free-memory.ts';

/** Signature, then IHDR with length, type, 13 bytes and checksum. */
const HEAD_BYTES = 8 + 25;
const IHDR_AT = 16;
const STORED_MAX_BYTES = 0xffff;
/** Length, type, checksum. */
const CHUNK_BYTES = 12;
/** Node's minimum. */
const CHUNK_MIN_BYTES = 64;
/** Samples per pixel and allowed bit depths, by colour type (PNG, 11.2.1). */
const COLOUR_TYPES: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE = 3;
/** First column and row of each pass of an interlaced picture, and the steps between them (PNG, 8.1). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const WHOLE = [0, 0, 1, 1] as const;
/** Paeth (PNG, 9.2). */
const FILTER_MAX = 4;
const NO_PRESET_32K_WINDOW = [0x78, 0x01];

/**
 * The same picture with stored data; `png` itself unless it is plain 8-bit RGB or RGBA without interlacing. Undefined
 * when it is larger than `pixelsMax` or not a whole PNG. FFmpeg checks the checksums.
 */
export function storedPng(png: Uint8Array, pixelsMax: number): Uint8Array | undefined {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const layout = layoutOf(bytes, pixelsMax);
  const chunks = layout && chunksOf(bytes);
  if (layout === undefined || chunks === undefined || chunks.data.length < 6) return undefined;
  if (layout.isPalette && !chunks.types.has('PLTE')) return undefined;
  const { data, types } = chunks;
  const { rowsBytes } = layout;
  try {
    // One allocation, with one byte more, so that data that is too long is detected.
    const chunkSize = Math.max(CHUNK_MIN_BYTES, rowsBytes + 1);
    const rows = inflateSync(data, { chunkSize, maxOutputLength: rowsBytes + 1 });
    // Transparency changes the meaning of the pixels; video servers send none.
    const isPlain = layout.isPlain && !types.has('tRNS');
    const stored = isPlain ? written(bytes, rows, data.subarray(-4)) : png;
    const whole = isWhole(rows, layout) ? stored : undefined;
    freeMemory(rows);
    return whole;
  } catch {
    return undefined;
  }
}

/** Rows of one size, each after its filter byte. */
interface Pass {
  rows: number;
  rowBytes: number;
}

interface Layout {
  passes: readonly Pass[];
  /** Size of all rows. */
  rowsBytes: number;
  /** 8-bit RGB or RGBA, not interlaced. */
  isPlain: boolean;
  isPalette: boolean;
}

function layoutOf(bytes: Buffer, pixelsMax: number): Layout | undefined {
  if (bytes.length < HEAD_BYTES || bytes.toString('latin1', 12, IHDR_AT) !== 'IHDR') return undefined;
  const [widthPx, heightPx] = [bytes.readUInt32BE(IHDR_AT), bytes.readUInt32BE(IHDR_AT + 4)];
  const [depth = 0, colourType = 0, , , interlace = 0] = bytes.subarray(IHDR_AT + 8);
  const kind = COLOUR_TYPES[colourType];
  if (kind?.depths.includes(depth) !== true || interlace > 1 || widthPx * heightPx > pixelsMax) return undefined;
  const passes = (interlace === 0 ? [WHOLE] : ADAM7)
    .map(([x, y, across, down]) => ({
      columns: Math.ceil((widthPx - x) / across),
      rows: Math.ceil((heightPx - y) / down),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
    .map(({ columns, rows }) => ({ rows, rowBytes: 1 + Math.ceil((columns * kind.samples * depth) / 8) }));
  return {
    passes,
    rowsBytes: passes.reduce((sum, { rows, rowBytes }) => sum + rows * rowBytes, 0),
    isPlain: depth === 8 && kind.samples >= 3 && interlace === 0,
    isPalette: colourType === PALETTE,
  };
}

/** All rows are present with known filters: FFmpeg would leave a row with an unknown filter as it is. */
function isWhole(data: Uint8Array, { passes, rowsBytes }: Layout): boolean {
  if (data.length !== rowsBytes) return false;
  let at = 0;
  for (const { rows, rowBytes } of passes)
    for (let row = 0; row < rows; row++, at += rowBytes) if ((data[at] ?? 0) > FILTER_MAX) return false;
  return true;
}

/** Data of all IDAT chunks, and the types of all chunks before the end. */
function chunksOf(bytes: Buffer): { data: Buffer; types: ReadonlySet<string> } | undefined {
  const parts: Buffer[] = [];
  const types = new Set<string>();
  for (let at = HEAD_BYTES; at + CHUNK_BYTES <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') break;
    if (end > bytes.length) return undefined;
    types.add(type);
    if (type === 'IDAT') parts.push(bytes.subarray(at + 8, end));
    at = end + 4;
  }
  const [only] = parts;
  return { data: only !== undefined && parts.length === 1 ? only : Buffer.concat(parts), types };
}

/** @param adler32 checksum of the rows, from the end of the packed data */
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
