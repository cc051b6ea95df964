/**
 * Writes pictures to files through the bundled ffmpeg: MP4 for clips, PNG and JPEG for single frames. A file gets its
 * name only when it is whole; until then there is a `.partial` beside it, which is removed after a failure.
 */
import { once } from 'node:events';
import { access, constants, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { endianness } from 'node:os';
import { Writable } from 'node:stream';
import { GlimpseError } from '../../errors.ts';
import {
  NO_ENVIRONMENT,
  COLOUR_TAGS,
  ffmpegArguments,
  ffmpegBinary,
  type FfmpegOptions,
  QUIET,
} from '../ffmpeg-binary.ts';
import type { I420Frame } from '../../picture/frame.ts';
import { SOUND_RATE_HZ } from '../../picture/sound.ts';
import type { ClipSound } from './clip-sound.ts';
import { isWhole } from './whole-file.ts';

/** Characters kept of ffmpeg's standard error, enough to see what went wrong. */
const STDERR_KEPT_CHARS = 2_000;
const FULL_BELOW_BYTES = 65_536;
/** x264's constant rate factor: visually lossless for most content at a tenth of lossless size. */
const MP4_QUALITY = 18;
/** ffmpeg reads sound from this file descriptor. */
const SOUND_FD = 3;
const SAMPLE_FORMAT = endianness() === 'LE' ? 'f32le' : 'f32be';
/** AAC at this rate is transparent for most content. */
const SOUND_BITRATE_BPS = 128_000;
/** mjpeg's quantizer, 2 (best) to 31. */
const JPEG_QUALITY = 3;

export interface Mp4Options {
  /** Frames of one size, in order. Iterated once; ended early on failure. */
  frames: AsyncIterable<I420Frame>;
  widthPx: number;
  heightPx: number;
  fps: number;
  /** Written whole or not at all; replaces an existing file. */
  path: string;
  /** Size to scale to (lanczos), both even; default: the frames' own size. */
  display?: { widthPx: number; heightPx: number };
  /** Sound of the frames' time: each slice's is put before its frames. */
  sound?: ClipSound | undefined;
  /** Maximum keyframe interval, s, so that the file can be cut into segments; default: x264's choice. */
  keyframeEverySeconds?: number;
  signal?: AbortSignal;
  /** Called after each frame with the number of frames written so far. */
  onProgress?: (frames: number) => void;
}

/**
 * Writes H.264, and sound as AAC, in MP4 (yuv420p, index first, so that it plays while it loads).
 * @throws GlimpseError ABORTED when the signal fires, PARAMETER_INVALID when the path is not writable,
 *   STORAGE_FAILED when the disk is full, ENCODER_FAILED when ffmpeg does not run or fails
 */
export async function exportMp4(options: Mp4Options): Promise<void> {
  const { frames, widthPx, heightPx, fps, path, display, sound, keyframeEverySeconds, signal, onProgress } = options;
  const scale = display ? { vf: `scale=${display.widthPx}:${display.heightPx}:flags=lanczos` } : {};
  const codec = { 'c:v': 'libx264', preset: 'medium', crf: MP4_QUALITY, pix_fmt: 'yuv420p' };
  const cuts = keyframeEverySeconds ? { force_key_frames: `expr:gte(t,n_forced*${keyframeEverySeconds})` } : {};
  const audio = sound ? { 'c:a': 'aac', 'b:a': SOUND_BITRATE_BPS } : {};
  const output = { ...scale, ...codec, ...audio, ...cuts, ...COLOUR_TAGS, movflags: '+faststart', f: 'mp4' };
  await writeFile({ frames, sound, widthPx, heightPx, fps, path, signal, onProgress, output });
}

/** Writes one picture as PNG (RGB). @throws GlimpseError PARAMETER_INVALID, ENCODER_FAILED */
export const writePng = (frame: I420Frame, path: string): Promise<void> =>
  writePicture(frame, path, { 'c:v': 'png', pix_fmt: 'rgb24' });

/** Writes one picture as JPEG, at a quality that keeps drawn edges clean. @throws as `writePng` */
export const writeJpeg = (frame: I420Frame, path: string): Promise<void> =>
  writePicture(frame, path, { 'c:v': 'mjpeg', pix_fmt: 'yuvj420p', 'q:v': JPEG_QUALITY });

async function writePicture(frame: I420Frame, path: string, codec: FfmpegOptions): Promise<void> {
  const { widthPx, heightPx } = frame;
  const output = { 'frames:v': 1, ...codec, f: 'image2pipe' };
  const frames = (async function* () {
    yield frame;
  })();
  await writeFile({
    frames,
    sound: undefined,
    widthPx,
    heightPx,
    fps: 1,
    path,
    signal: undefined,
    onProgress: undefined,
    output,
  });
}

/** @throws GlimpseError PARAMETER_INVALID with the path and the reason, before any work is done */
export async function assertWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const refuse = (why: string, cause?: unknown): never => {
    throw new GlimpseError('PARAMETER_INVALID', { message: `Cannot write ${path}: ${why}.`, details: { path }, cause });
  };
  await access(folder, constants.W_OK).catch((cause: NodeJS.ErrnoException) =>
    refuse(
      cause.code === 'ENOENT' ? `there is no folder ${folder}` : `${folder} is not writable (${cause.code})`,
      cause,
    ),
  );
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) refuse('it is a folder');
  if (!(await stat(folder)).isDirectory()) refuse(`${folder} is not a folder`);
}

/** ffmpeg stops when the next block of its buffer does not fit, so a little space may remain. */
async function hasNoRoom(path: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(dirname(resolve(path))).catch(() => ({ bavail: Infinity, bsize: 1 }));
  return bavail * bsize < FULL_BELOW_BYTES;
}

interface FileJob extends Pick<Mp4Options, 'frames' | 'widthPx' | 'heightPx' | 'fps' | 'path'> {
  sound: ClipSound | undefined;
  signal: AbortSignal | undefined;
  onProgress: ((frames: number) => void) | undefined;
  output: FfmpegOptions;
}

async function writeFile(job: FileJob): Promise<void> {
  const partial = `${job.path}.partial`;
  try {
    job.signal?.throwIfAborted();
    await assertWritable(job.path);
    // The ffmpeg of a killed process may still write to the old file: removing it separates the two.
    await rm(partial, { force: true });
    await encodeTo(partial, job);
    if (!(await isWhole(partial)))
      throw new GlimpseError('STORAGE_FAILED', { message: `${job.path} could not be written to its end.` });
    await rename(partial, job.path);
  } catch (cause) {
    const isFull = await hasNoRoom(job.path);
    await rm(partial, { force: true });
    if (job.signal?.aborted) throw new GlimpseError('ABORTED', { cause });
    if (isFull)
      throw new GlimpseError('STORAGE_FAILED', { message: `Cannot write ${job.path}: the disk is full.`, cause });
    throw cause;
  }
}

async function encodeTo(partial: string, job: FileJob) {
  const { frames, sound, widthPx, heightPx, fps, signal, onProgress, output } = job;
  const binary = await ffmpegBinary();
  if (binary === undefined)
    throw new GlimpseError('ENCODER_FAILED', { message: 'There is no ffmpeg program for this platform.' });
  const input = { f: 'rawvideo', pix_fmt: 'yuv420p', s: `${widthPx}x${heightPx}`, r: fps, i: 'pipe:0' };
  // Without this ffmpeg waits for seconds of sound before it reads pictures, and we for room for pictures.
  const unprobed = { probesize: 32, analyzeduration: 0 };
  const raw = { f: SAMPLE_FORMAT, ar: SOUND_RATE_HZ, i: `pipe:${SOUND_FD}` };
  const soundInput = sound ? { ...unprobed, ac: sound.channels, ...raw } : {};
  const flags = [input, soundInput, output].flatMap(ffmpegArguments);
  const child = spawn(binary.path, [...ffmpegArguments({ ...QUIET, y: true }), ...flags, partial], {
    env: NO_ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'pipe', sound ? 'pipe' : 'ignore'],
    windowsHide: true,
  });
  const { stdin, stderr: complaints } = child;
  const soundPipe = child.stdio[SOUND_FD];
  if (!stdin || !complaints) throw new GlimpseError('ENCODER_FAILED');
  if (sound && soundPipe instanceof Writable) sound.bytes.pipe(soundPipe.on('error', () => {}));
  let stderr = '';
  complaints.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT_CHARS);
  });
  stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    let written = 0;
    for await (const frame of frames) {
      if (signal?.aborted || child.exitCode !== null) break;
      if (frame.widthPx !== widthPx || frame.heightPx !== heightPx) {
        throw new GlimpseError('ENCODER_FAILED', { message: 'All frames of a file must have its size.' });
      }
      if (!stdin.write(frame.data)) await Promise.race([once(stdin, 'drain').catch(() => {}), ended]);
      onProgress?.(++written);
    }
    stdin.end();
    sound?.end();
    const exitCode = await ended;
    if (exitCode !== 0) throw new GlimpseError('ENCODER_FAILED', { details: { exitCode, stderr } });
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
    sound?.end();
    await ended;
  }
}
