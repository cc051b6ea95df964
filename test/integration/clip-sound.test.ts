/** A clip with sound in files: MP4 as FFmpeg reads it, and HLS cut from it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decoder, Demuxer } from 'node-av/api';
import { expect, it } from 'vitest';
import type { Generator } from '../../src/generation/generator.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { clipFrames, type ClipPlan } from '../../src/generation/slices/clip-frames.ts';
import { ClipSound } from '../../src/media/files/clip-sound.ts';
import { exportMp4 } from '../../src/media/files/export.ts';
import { cutHls } from '../../src/media/files/hls.ts';

const SIZE = { widthPx: 64, heightPx: 64 };
const FPS = 24;
const SLICES = 15;

const plan = (generator: Generator): ClipPlan => ({
  generator,
  track: {
    prompts: ['x'],
    sliceCount: SLICES,
    transitionSlices: 1,
    interpolation: 'linear',
    from: undefined,
    keptSlices: 0,
  },
  seed: 1,
  slices: SLICES,
  tier: 'base',
  signal: new AbortController().signal,
});

/** When each beep and each flash begins, s. */
async function beginnings(path: string): Promise<{ beeps: number[]; flashes: number[]; seconds: number }> {
  await using demuxer = await Demuxer.open(path);
  const [audio, video] = [demuxer.audio()!, demuxer.video()!];
  const found = { beeps: [] as number[], flashes: [] as number[], seconds: 0 };
  using sound = await Decoder.create(audio);
  let quiet = Infinity;
  for await (const frame of sound.frames(demuxer.packets(audio.index))) {
    if (!frame) continue;
    const startS = Number(frame.pts) / frame.sampleRate;
    const samples = new Float32Array(new Uint8Array(frame.data![0]!).buffer).subarray(0, frame.nbSamples);
    for (const [index, value] of samples.entries()) {
      if (Math.abs(value) > 0.15 && quiet > 4_800) found.beeps.push(startS + index / frame.sampleRate);
      quiet = Math.abs(value) > 0.15 ? 0 : quiet + 1;
    }
    found.seconds = startS + frame.nbSamples / frame.sampleRate;
    frame.free();
  }
  await using again = await Demuxer.open(path);
  using pictures = await Decoder.create(again.video()!);
  let lit = false;
  for await (const frame of pictures.frames(again.packets(video.index))) {
    if (!frame) continue;
    const middle = frame.data![0]![Math.floor(SIZE.heightPx / 2) * frame.linesize[0]! + SIZE.widthPx / 2]!;
    if (middle > 200 && !lit) found.flashes.push((Number(frame.pts) * video.timeBase.num) / video.timeBase.den);
    lit = middle > 200;
    frame.free();
  }
  return found;
}

it('a clip keeps its sound in step, in MP4 and HLS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-clip-sound-'));
  try {
    await using generator = new PatternGenerator({ ...SIZE, fps: FPS, detail: 0, beep: true });
    const sound = new ClipSound({ ...generator.info.slice, channels: 1 });
    const frames = clipFrames(plan(generator), undefined, (slice, made) => sound.put(slice, made));
    const path = join(folder, 'clip.mp4');
    await exportMp4({ frames, sound, ...SIZE, fps: FPS, path, keyframeEverySeconds: 2 });
    const { beeps, flashes, seconds } = await beginnings(path);
    expect(flashes).toHaveLength(5);
    expect(beeps).toHaveLength(5);
    for (const [index, flash] of flashes.entries()) expect(Math.abs(beeps[index]! - flash)).toBeLessThan(0.03);
    expect(Math.abs(seconds - (SLICES * 8) / FPS)).toBeLessThan(0.1);
    await cutHls(path, join(folder, 'hls'));
    expect((await readdir(join(folder, 'hls'))).filter((name) => name.endsWith('.m4s')).length).toBe(3);
    await using demuxer = await Demuxer.open(join(folder, 'hls', 'index.m3u8'), {
      options: { allowed_extensions: 'ALL', extension_picky: 0 },
    });
    expect([demuxer.audio() !== undefined, demuxer.video() !== undefined]).toEqual([true, true]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('silence where a slice has no sound, or sound that cannot be used', () => {
  const sound = new ClipSound({ frames: 8, fps: 24, channels: 2 });
  sound.put(0, undefined);
  sound.put(1, { channels: 1, samples: new Float32Array(5) });
  sound.put(2, { channels: 1, samples: new Float32Array(16_000).fill(0.5) });
  sound.end();
  const bytes = sound.bytes.read() as Buffer;
  expect(bytes.length).toBe(3 * 16_000 * 2 * 4);
  expect(bytes.subarray(0, 2 * 16_000 * 2 * 4).every((byte) => byte === 0)).toBe(true);
});
