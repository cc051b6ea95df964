/**
 * The limit an encoder of ours is held against: the same codec driven from C. The ffmpeg program gets the whole raw clip
 * as a file, with the options our encoders use, and reports its own CPU time; the cost of starting it is taken off by a
 * second run over one frame.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CODEC_OPTIONS, GOP_FRAMES, VP8_BUFFER_S, X264_BUFFER_FRAMES } from '../src/media/encode/codec-options.ts';
import type { EncoderSettings } from '../src/media/encode/encoder.ts';
import { ffmpegArguments, ffmpegBinary } from '../src/media/ffmpeg-binary.ts';
import type { I420Frame } from '../src/picture/frame.ts';

/** CPU milliseconds a frame; undefined where there is no ffmpeg program. */
export async function codecCpuMsPerFrame(settings: EncoderSettings, frames: I420Frame[]): Promise<number | undefined> {
  const binary = await ffmpegBinary();
  if (binary === undefined) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'glimpse-encode-'));
  try {
    const clip = join(directory, 'clip.yuv');
    await writeFile(clip, Buffer.concat(frames.map(({ data }) => data)));
    const allMs = await cpuMs(binary.path, settings, clip, frames.length);
    const oneMs = await cpuMs(binary.path, settings, clip, 1);
    return (allMs - oneMs) / (frames.length - 1);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function cpuMs(path: string, settings: EncoderSettings, clip: string, frames: number): Promise<number> {
  const { codec, widthPx, heightPx, fps, bitrateBps } = settings;
  const input = { f: 'rawvideo', pix_fmt: 'yuv420p', s: `${widthPx}x${heightPx}`, r: fps, threads: 1, i: clip };
  const rates =
    codec === 'VP8'
      ? { 'c:v': 'libvpx', minrate: bitrateBps, bufsize: bitrateBps * VP8_BUFFER_S }
      : { 'c:v': 'libx264', bufsize: Math.round((bitrateBps / fps) * X264_BUFFER_FRAMES) };
  const output = { 'b:v': bitrateBps, maxrate: bitrateBps, threads: 1, g: GOP_FRAMES, 'frames:v': frames, f: 'null' };
  const { stderr } = await promisify(execFile)(path, [
    ...ffmpegArguments({ hide_banner: true, benchmark: true, ...input }),
    ...ffmpegArguments({ ...CODEC_OPTIONS[codec], ...rates, ...output }),
    '-',
  ]);
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  return (Number(user) + Number(system)) * 1000;
}
