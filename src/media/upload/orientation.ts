/**
 * The orientation of a picture: phones store the sensor's image and one tag that says how to turn it (Exif 2.32, 4.6.4
 * A). Reads only that tag, from JPEG (APP1), PNG (eXIf) and WebP (EXIF). Pure; the input size bounds every step, and
 * unreadable input counts as upright.
 */
import type { UploadType } from './format.ts';

/** 1 is upright; 2 to 8 are turned or mirrored. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
/** Entries read of an IFD at most. */
const ENTRIES_MAX = 512;
/** Segments and chunks read before the picture's data. */
const PARTS_MAX = 256;

/** FFmpeg filters that turn a picture upright, without a comma at either end. */
export const UPRIGHT_FILTERS: Readonly<Record<Orientation, string | undefined>> = {
  1: undefined,
  2: 'hflip',
  3: 'hflip,vflip',
  4: 'vflip',
  5: 'transpose=cclock_flip',
  6: 'transpose=clock',
  7: 'transpose=clock_flip',
  8: 'transpose=cclock',
};

export function orientationOf(upload: Uint8Array, type: UploadType): Orientation {
  const bytes = Buffer.from(upload.buffer, upload.byteOffset, upload.byteLength);
  const exif = EXIF_OF[type](bytes);
  return (exif && orientationIn(exif)) ?? 1;
}

/**
 * Orientation from the matrix in an MP4's track header (ISO/IEC 14496-12, 8.3.2): a, b, u, c, d, v, x, y, w as 16.16 in
 * native order, as FFmpeg returns it.
 */
export function orientationOfMatrix(matrix: Uint8Array): Orientation {
  if (matrix.length < 36) return 1;
  const bytes = Buffer.from(matrix.buffer, matrix.byteOffset, matrix.byteLength);
  const [a, b, c, d] = [0, 4, 12, 16].map((at) => Math.sign(bytes.readInt32LE(at)));
  const known: Readonly<Record<string, Orientation>> = {
    '1,0,0,1': 1,
    '-1,0,0,1': 2,
    '-1,0,0,-1': 3,
    '1,0,0,-1': 4,
    '0,1,1,0': 5,
    '0,1,-1,0': 6,
    '0,-1,-1,0': 7,
    '0,-1,1,0': 8,
  };
  return known[[a, b, c, d].join()] ?? 1;
}

/** Finds the TIFF structure that holds the tags. */
const EXIF_OF: Readonly<Record<UploadType, (bytes: Buffer) => Buffer | undefined>> = {
  'image/jpeg': jpegExif,
  'image/png': pngExif,
  'image/webp': webpExif,
  // The track holds it, and the demuxer reads that.
  'video/mp4': () => undefined,
};

/** Segments from the third byte on: marker, length including itself, data; up to the start of the scan. */
function jpegExif(bytes: Buffer): Buffer | undefined {
  for (let at = 2, part = 0; part < PARTS_MAX && at + 4 <= bytes.length && bytes[at] === 0xff; part++) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xda || marker === 0xd9) return undefined;
    // A fill byte.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    const data = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && data.subarray(0, 6).toString('latin1') === 'Exif\0\0') return data.subarray(6);
    at += 2 + Math.max(2, length);
  }
  return undefined;
}

function pngExif(bytes: Buffer): Buffer | undefined {
  for (let at = 8, part = 0; part < PARTS_MAX && at + 8 <= bytes.length; part++) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'eXIf') return bytes.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return undefined;
}

function webpExif(bytes: Buffer): Buffer | undefined {
  for (let at = 12, part = 0; part < PARTS_MAX && at + 8 <= bytes.length; part++) {
    const length = bytes.readUInt32LE(at + 4);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (bytes.toString('latin1', at, at + 4) === 'EXIF')
      return data.subarray(0, 6).toString('latin1') === 'Exif\0\0' ? data.subarray(6) : data;
    at += 8 + length + (length % 2);
  }
  return undefined;
}

/** Reads the first IFD (TIFF 6.0, section 2). */
function orientationIn(tiff: Buffer): Orientation | undefined {
  const order = tiff.toString('latin1', 0, 2);
  if (tiff.length < 8 || (order !== 'II' && order !== 'MM')) return undefined;
  const little = order === 'II';
  const short = (at: number): number => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const start = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (short(2) !== 42 || start + 2 > tiff.length) return undefined;
  const entries = Math.min(short(start), ENTRIES_MAX);
  for (let at = start + 2, entry = 0; entry < entries && at + 12 <= tiff.length; entry++, at += 12) {
    if (short(at) !== ORIENTATION_TAG) continue;
    const value = short(at + 8);
    return short(at + 2) === SHORT && isOrientation(value) ? value : undefined;
  }
  return undefined;
}

const isOrientation = (value: number): value is Orientation => Number.isInteger(value) && value >= 1 && value <= 8;
