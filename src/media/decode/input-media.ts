/**
 * Reads a viewer's upload. Its first bytes give the type; a separate process decodes it and encodes it again. So the
 * file for the backend holds only pictures: no metadata, no second file after the first, no reference to another file.
 * The kind is fixed before a decoder reads a byte; playlists and similar formats are never tried.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GlimpseError } from '../../errors.ts';
import type { InputMedia } from '../../picture/input-media.ts';
import { LIMITS } from '../../limits.ts';
import { mediaTypeOf, UPLOAD_FORMATS, type UploadFormat } from '../upload/format.ts';
import { orientationOf } from '../upload/orientation.ts';
import { decodeUpload, type UploadProgram } from '../upload/upload-decoder.ts';

export { mediaTypeOf } from '../upload/format.ts';

export interface InputMediaOptions {
  signal: AbortSignal;
  /** The only kind accepted; default: both. */
  kind?: InputMedia['kind'] | undefined;
  /** Programs to decode with; default: the first that starts on this machine. */
  programs?: readonly UploadProgram[];
}

/**
 * Decodes an upload and encodes it again: a picture as upright PNG, a video as MP4 without sound, no side over 1920 px.
 * @throws GlimpseError INPUT_INVALID when it cannot be decoded or is of the wrong kind, INPUT_TOO_LARGE, ABORTED
 */
export async function readInputMedia(
  upload: Uint8Array,
  { signal, kind, programs }: InputMediaOptions,
): Promise<InputMedia> {
  const type = mediaTypeOf(upload);
  if (!type) throw invalid('It is neither PNG, JPEG, WebP nor MP4.');
  const format = UPLOAD_FORMATS[type];
  if (kind !== undefined && format.kind !== kind) throw invalid(`This server takes a ${kind} only.`);
  if (upload.length > format.maxBytes) throw tooLarge(`${format.maxBytes / 2 ** 20} MiB`);
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-input-'));
  try {
    const from = join(folder, 'upload');
    const to = join(folder, format.kind === 'image' ? 'input.png' : 'input.mp4');
    await writeFile(from, upload, { mode: 0o600 });
    const job = { from, to, type, orientation: orientationOf(upload, type) };
    const verdict = await decodeUpload(job, { folder, signal, ...(programs && { programs }) });
    if (signal.aborted) throw new GlimpseError('ABORTED');
    if (verdict === 'no decoder') throw invalid('This server has no decoder for uploads.');
    if (verdict === 'pixels') throw tooLarge(pixelsAllowed(format));
    if (verdict === 'seconds') throw tooLarge(`${LIMITS.inputVideoMaxSeconds} s`);
    if (verdict !== 'written') throw invalid('It cannot be decoded.');
    const data = new Uint8Array(await readFile(to).catch(() => Buffer.alloc(0)));
    if (data.length === 0) throw invalid('It has no picture.');
    if (format.kind === 'video' && secondsOf(data) > LIMITS.inputVideoMaxSeconds)
      throw tooLarge(`${LIMITS.inputVideoMaxSeconds} s`);
    const mediaType = format.kind === 'image' ? 'image/png' : 'video/mp4';
    return { kind: format.kind, mediaType, sha256: createHash('sha256').update(data).digest('hex'), data };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Duration from the movie header just written: the box `mvhd`, version 0 (ISO 14496-12, 8.2.2). */
function secondsOf(mp4: Uint8Array): number {
  const bytes = Buffer.from(mp4.buffer, mp4.byteOffset, mp4.byteLength);
  const at = bytes.indexOf('mvhd', 0, 'latin1');
  return at < 0 ? Infinity : bytes.readUInt32BE(at + 20) / bytes.readUInt32BE(at + 16);
}

const megapixels = (pixels: number): string => `${Math.round(pixels / 1e6)} megapixels`;
const pixelsAllowed = ({ kind, maxPixels }: UploadFormat): string =>
  kind === 'image'
    ? megapixels(maxPixels)
    : `${megapixels(maxPixels)} a picture, and ${megapixels(LIMITS.inputVideoMaxPixelFrames)} in all pictures together`;
const invalid = (message: string): GlimpseError => new GlimpseError('INPUT_INVALID', { message });
const tooLarge = (most: string): GlimpseError =>
  new GlimpseError('INPUT_TOO_LARGE', { message: `The upload is larger than ${most}.` });
