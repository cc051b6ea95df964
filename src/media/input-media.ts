/**
 * What a viewer uploads to begin from: told by its first bytes, decoded in a process of its own, and written anew, so that
 * what goes on to a backend holds pictures and nothing else: no metadata, no second file behind the first, no reference to
 * another. The kind is fixed before the decoder sees a byte; playlists and their like are never tried.
 */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GlimpseError } from '../errors.ts';
import type { InputMedia } from '../generation/generator.ts';
import { LIMITS } from '../limits.ts';
import { ffmpegArguments, ffmpegBinary, QUIET, type FfmpegOptions } from './ffmpeg-binary.ts';

interface Format {
  kind: InputMedia['kind'];
  maxBytes: number;
  /** FFmpeg's demuxer. */
  demuxer: string;
}

const IMAGE = { kind: 'image', maxBytes: LIMITS.inputImageMaxBytes } as const;
const FORMATS: Readonly<Record<(typeof LIMITS.inputTypes)[number], Format>> = {
  'image/png': { ...IMAGE, demuxer: 'png_pipe' },
  'image/jpeg': { ...IMAGE, demuxer: 'jpeg_pipe' },
  'image/webp': { ...IMAGE, demuxer: 'webp_pipe' },
  'video/mp4': { kind: 'video', maxBytes: LIMITS.inputVideoMaxBytes, demuxer: 'mov' },
};

const run = promisify(execFile);

/** By signature: `RIFF….WEBP` and `….ftyp` have theirs after a length. */
export function mediaTypeOf(data: Uint8Array): keyof typeof FORMATS | undefined {
  const text = (from: number, to: number): string => Buffer.from(data.subarray(from, to)).toString('latin1');
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (text(0, 3) === '\xff\xd8\xff') return 'image/jpeg';
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'image/webp';
  return text(4, 8) === 'ftyp' ? 'video/mp4' : undefined;
}

/**
 * Decodes an upload and writes it anew: a picture as PNG, a video as MP4 without sound, neither with a side over 1920 px.
 * @throws GlimpseError INPUT_INVALID when it is not what can be decoded, INPUT_TOO_LARGE, ABORTED
 */
export async function readInputMedia(upload: Uint8Array, signal: AbortSignal): Promise<InputMedia> {
  const type = mediaTypeOf(upload);
  if (!type) throw invalid('It is neither PNG, JPEG, WebP nor MP4.');
  const format = FORMATS[type];
  if (upload.length > format.maxBytes) throw tooLarge(`${format.maxBytes / 2 ** 20} MiB`);
  const binary = await ffmpegBinary();
  if (!binary) throw new GlimpseError('INPUT_INVALID', { message: 'This server has no decoder for uploads.' });
  const directory = await mkdtemp(join(tmpdir(), 'glimpse-input-'));
  try {
    const from = join(directory, 'upload');
    const to = join(directory, format.kind === 'image' ? 'input.png' : 'input.mp4');
    await writeFile(from, upload, { mode: 0o600 });
    await decode(binary.path, [...sourceArguments(format, from), ...resultArguments(format, to)], signal);
    const data = new Uint8Array(await readFile(to).catch(() => Buffer.alloc(0)));
    if (data.length === 0) throw invalid('It has no picture.');
    if (format.kind === 'video' && secondsOf(data) > LIMITS.inputVideoMaxSeconds)
      throw tooLarge(`${LIMITS.inputVideoMaxSeconds} s`);
    const mediaType = format.kind === 'image' ? 'image/png' : 'video/mp4';
    return { kind: format.kind, mediaType, sha256: createHash('sha256').update(data).digest('hex'), data };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function sourceArguments({ demuxer, kind }: Format, path: string): string[] {
  const source: FfmpegOptions = {
    ...QUIET,
    xerror: true,
    err_detect: 'explode',
    threads: 1,
    protocol_whitelist: 'file',
    max_pixels: LIMITS.inputMaxPixels,
    f: demuxer,
    ...(kind === 'video' ? { enable_drefs: 0, t: LIMITS.inputVideoMaxSeconds + 1 } : {}),
    i: path,
  };
  return ['-nostdin', ...ffmpegArguments(source)];
}

function resultArguments({ kind }: Format, path: string): string[] {
  const side = LIMITS.inputMaxSidePx;
  const smaller = `scale='min(${side},iw)':'min(${side},ih)':force_original_aspect_ratio=decrease`;
  const even = 'crop=trunc(iw/2)*2:trunc(ih/2)*2';
  const video: FfmpegOptions = { 'c:v': 'libx264', preset: 'veryfast', crf: 12, pix_fmt: 'yuv420p', f: 'mp4' };
  const image: FfmpegOptions = { 'frames:v': 1, pix_fmt: 'rgb24', 'c:v': 'png', f: 'image2' };
  const common: FfmpegOptions = {
    map: '0:v:0',
    an: true,
    sn: true,
    dn: true,
    map_metadata: -1,
    vf: `${smaller},${even}`,
  };
  return [...ffmpegArguments({ ...common, ...(kind === 'image' ? image : video), threads: 1 }), path];
}

async function decode(binary: string, options: string[], signal: AbortSignal): Promise<void> {
  try {
    await run(binary, options, { signal, timeout: LIMITS.inputDecodeTimeoutMs, killSignal: 'SIGKILL' });
  } catch (cause) {
    if (signal.aborted) throw new GlimpseError('ABORTED');
    throw new GlimpseError('INPUT_INVALID', { message: 'It cannot be decoded.', cause });
  }
}

/** From the movie header that was just written: the box `mvhd`, version 0 (ISO 14496-12, 8.2.2). */
function secondsOf(mp4: Uint8Array): number {
  const bytes = Buffer.from(mp4.buffer, mp4.byteOffset, mp4.byteLength);
  const at = bytes.indexOf('mvhd', 0, 'latin1');
  return at < 0 ? Infinity : bytes.readUInt32BE(at + 20) / bytes.readUInt32BE(at + 16);
}

const invalid = (message: string): GlimpseError => new GlimpseError('INPUT_INVALID', { message });
const tooLarge = (most: string): GlimpseError =>
  new GlimpseError('INPUT_TOO_LARGE', { message: `The upload is larger than ${most}.` });
