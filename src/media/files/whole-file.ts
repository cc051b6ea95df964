/**
 * Whether a file was written to its end. The ffmpeg of 2018 exits with 0 when the disk fills up while it flushes. MP4:
 * the boxes fill the file, and one is the index (ISO/IEC 14496-12, 4.2). PNG and JPEG: the last bytes are the end
 * marker.
 */
import { open, type FileHandle } from 'node:fs/promises';

const PNG_END = Buffer.from('49454e44ae426082', 'hex');
const JPEG_END = Buffer.from('ffd9', 'hex');
/** A clip has four or five top-level boxes. */
const BOXES_MAX = 64;

/** @returns false for a file that is truncated or none of the three formats */
export async function isWhole(path: string): Promise<boolean> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size === 0) return false;
  const head = await bytesAt(file, 0, 8);
  if (head.subarray(4, 8).toString('latin1') === 'ftyp') return await isWholeMp4(file, size);
  const end = head.readUInt8(0) === 0x89 ? PNG_END : JPEG_END;
  return size > end.length && (await bytesAt(file, size - end.length, end.length)).equals(end);
}

async function isWholeMp4(file: FileHandle, size: number): Promise<boolean> {
  let hasIndex = false;
  let at = 0;
  for (let count = 0; at + 8 <= size && count < BOXES_MAX; count += 1) {
    const head = await bytesAt(file, at, 16);
    const small = head.readUInt32BE(0);
    // A length of 1 means that 64 bits after the type hold it.
    const length = small === 1 ? Number(head.readBigUInt64BE(8)) : small;
    if (length < 8) return false;
    hasIndex ||= head.subarray(4, 8).toString('latin1') === 'moov';
    at += length;
  }
  return hasIndex && at === size;
}

/** Zeros where the file is shorter. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, position);
  return bytes;
}
