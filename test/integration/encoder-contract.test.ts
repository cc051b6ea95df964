/** What every encoder promises, asked of each of them: both implementations, both codecs, the same questions. */
import { describe, expect, it } from 'vitest';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { MovingTexture } from '../../bench/moving-texture.ts';
import type { AccessUnit, EncodeOptions, EncoderSettings, VideoEncoder } from '../../src/media/encode/encoder.ts';
import { FfmpegEncoder } from '../../src/media/encode/ffmpeg-encoder.ts';
import { nalUnits } from '../../src/media/encode/annex-b.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { LibavEncoder } from '../../src/media/encode/libav-encoder.ts';
import { decode } from '../../bench/support/pictures/decode.ts';
import { lowestPsnrDb } from '../../bench/support/pictures/psnr.ts';
import { GlimpseError } from '../../src/errors.ts';

const FPS = 30;
const SIZE = { widthPx: 320, heightPx: 180 };
const texture = new MovingTexture({ ...SIZE, seed: 7 });
const options: EncodeOptions = { keyframe: false, bitrateBps: 600_000, durationMs: 1000 / FPS };

const KINDS = [
  { name: 'libav VP8', codec: 'VP8', open: (settings: EncoderSettings) => LibavEncoder.open(settings) },
  { name: 'libav H264', codec: 'H264', open: (settings: EncoderSettings) => LibavEncoder.open(settings) },
  { name: 'ffmpeg VP8', codec: 'VP8', open: (settings: EncoderSettings) => FfmpegEncoder.open(settings) },
  { name: 'ffmpeg H264', codec: 'H264', open: (settings: EncoderSettings) => FfmpegEncoder.open(settings) },
] as const;

describe.each(KINDS)('$name', ({ codec, open, name }) => {
  const settings: EncoderSettings = { codec, ...SIZE, fps: FPS, bitrateBps: 600_000 };

  it('gives one decodable picture like the input for each frame, in order', async () => {
    await using encoder = await open(settings);
    const frames = clip(20);
    const units = await Promise.all(frames.map((frame, i) => encoder.encode(frame, { ...options, keyframe: i === 0 })));
    const pictures = await decode(codec, units);
    expect(pictures).toHaveLength(frames.length);
    for (const [i, picture] of pictures.entries()) expect(lowestPsnrDb(picture, texture.frame(i))).toBeGreaterThan(28);
  });

  it('answers each frame before it is given the next', async () => {
    await using encoder = await open(settings);
    for (const frame of clip(5)) {
      const unit = await encoder.encode(frame, options);
      expect(unit).toMatchObject(SIZE);
      expect(unit.data.length).toBeGreaterThan(0);
    }
  });

  it.runIf(codec === 'H264')('cuts its units small for a viewer that takes no fragments', async () => {
    const nalMaxBytes = 1_120;
    await using encoder = await open({ ...settings, nalMaxBytes });
    const units = await encodeAll(encoder, clip(10), { ...options, bitrateBps: 4_000_000, keyframe: true });
    const sizes = units.flatMap(({ data }) => [...nalUnits(data)].map(({ length }) => length));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(nalMaxBytes);
    expect(sizes.length).toBeGreaterThan(10 * 5);
    expect(await decode(codec, units)).toHaveLength(10);
  });

  it('leaves the event loop to others while the codec works', async () => {
    await using encoder = await open(settings);
    await encodeAll(encoder, clip(2), options);
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      pending = setImmediate(turn);
    };
    let pending = setImmediate(turn);
    const noise = new MovingTexture({ ...SIZE, seed: 5 });
    for (let index = 0; index < 5; index++) await encoder.encode(noise.frame(index), { ...options, keyframe: true });
    clearImmediate(pending);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('obeys a changed bitrate within 15% over the next second of media', async () => {
    await using encoder = await open(settings);
    const seconds = [600_000, 600_000, 250_000, 250_000, 900_000, 900_000];
    for (const [second, bitrateBps] of seconds.entries()) {
      let bits = 0;
      for (const frame of clip(FPS, second * FPS)) {
        const { data } = await encoder.encode(frame, { ...options, bitrateBps });
        bits += data.length * 8;
      }
      const share = bits / bitrateBps;
      expect.soft(share, `second ${second} at ${bitrateBps}`).toBeGreaterThan(0.85);
      expect.soft(share, `second ${second} at ${bitrateBps}`).toBeLessThan(1.15);
    }
  });

  it('spends by time, not by frame, when the frame rate changes', async () => {
    await using encoder = await open(settings);
    await encodeAll(encoder, clip(FPS), options);
    const slow = await encodeAll(encoder, clip(2 * FPS, FPS), { ...options, durationMs: 2000 / FPS });
    const bits = slow.slice(FPS).reduce((sum, { data }) => sum + data.length * 8, 0);
    expect(bits / 2 / options.bitrateBps).toBeGreaterThan(0.8);
    expect(bits / 2 / options.bitrateBps).toBeLessThan(1.2);
  });

  it('does not spend a second of bits on one frame that stays for a second', async () => {
    await using encoder = await open(settings);
    const repeats = await encodeAll(encoder, clip(1).concat(clip(2)), { ...options, durationMs: 1000 });
    const other = new MovingTexture({ ...SIZE, seed: 99 });
    const cut = await encoder.encode(other.frame(0), { ...options, durationMs: 1000 });
    for (const { data } of [...repeats, cut]) expect(data.length * 8).toBeLessThan(options.bitrateBps * 0.4);
  });

  it('keeps a keyframe near its budget where frames are few', async () => {
    // libvpx in the child and x264's restarts follow the same durations; sizes are read in process.
    if (!name.startsWith('libav')) return;
    await using encoder = await open({ ...settings, fps: 8 });
    const slow = { ...options, bitrateBps: 300_000, durationMs: 1000 / 8 };
    await encodeAll(encoder, clip(16), slow);
    const keyframeBudgetBytes = 7_500;
    const [next] = clip(1, 16);
    const { data } = await encoder.encode(next!, { ...slow, keyframe: true, keyframeBudgetBytes });
    expect(data.length).toBeLessThan(1.3 * keyframeBudgetBytes);
  });

  it('does not pay for the first picture of a finer tier with all that the rougher ones have saved', async () => {
    if (name !== 'libav VP8') return;
    await using encoder = await open(settings);
    const generator = new PatternGenerator({ ...SIZE, fps: FPS });
    const byTier = new Map<string, I420Frame[]>();
    const job = {
      revision: 0,
      slice: 0,
      prompt: 'a test pattern',
      seed: 51,
      startMs: 0,
      stopAtTier: 'refined',
    } as const;
    for await (const { tier, frames } of generator.generate(job, { signal: new AbortController().signal }))
      byTier.set(tier, [...frames]);
    const { drafts = [], refined = [] } = { drafts: byTier.get('draft'), refined: byTier.get('refined') };
    await encodeAll(encoder, refined, options);
    for (let again = 0; again < 2; again++) await encodeAll(encoder, drafts, options);
    const { data } = await encoder.encode(refined[0]!, { ...options, sharpens: true });
    expect(data.length * 8).toBeLessThan(options.bitrateBps * 0.25);
  });

  it('makes keyframes on demand and no others, even at a cut', async () => {
    await using encoder = await open(settings);
    const other = new MovingTexture({ ...SIZE, seed: 99 });
    const frames = [...clip(15), ...Array.from({ length: 15 }, (_, i) => other.frame(i))];
    const units: AccessUnit[] = [];
    for (const [i, frame] of frames.entries()) {
      units.push(await encoder.encode(frame, { ...options, keyframe: i === 9 || i === 10 }));
    }
    expect(units.flatMap(({ keyframe }, i) => (keyframe ? [i] : []))).toEqual([0, 9, 10]);
    const fromTheMiddle = await decode(codec, units.slice(10));
    expect(lowestPsnrDb(fromTheMiddle[0]!, texture.frame(10))).toBeGreaterThan(28);
  });

  it('scales frames of another size, up and down', async () => {
    await using encoder = await open({ ...settings, widthPx: 128, heightPx: 128 });
    for (const side of [64, 256]) {
      const frame = smoothPicture(side);
      const units = await encodeAll(encoder, [frame, frame, frame, frame], { ...options, keyframe: true });
      const [picture] = await decode(codec, units.slice(-1));
      expect(lowestPsnrDb(picture!, smoothPicture(128))).toBeGreaterThan(28);
    }
  });

  it('serves a new rung as a new encoder beside the old one', async () => {
    await using large = await open(settings);
    await using small = await open({ ...settings, widthPx: 160, heightPx: 90 });
    const frame = texture.frame(0);
    const units = await Promise.all([large.encode(frame, options), small.encode(frame, options)]);
    expect(units.map(({ widthPx, keyframe }) => [widthPx, keyframe])).toEqual([
      [320, true],
      [160, true],
    ]);
  });

  it('refuses a frame whose bytes do not match its size, and goes on', async () => {
    await using encoder = await open(settings);
    const broken = { ...SIZE, data: new Uint8Array(10) };
    await expect(encoder.encode(broken, options)).rejects.toMatchObject({ code: 'ENCODER_FAILED' });
    await expect(encoder.encode(texture.frame(0), options)).resolves.toMatchObject({ keyframe: true });
  });

  it('rejects what is pending or comes after close with ENCODER_CLOSED', async () => {
    const encoder = await open(settings);
    const pending = Promise.allSettled(clip(3).map((frame) => encoder.encode(frame, options)));
    await Promise.all([encoder.close(), encoder.close()]);
    for (const call of await pending) {
      if (call.status === 'rejected') expect(call.reason).toMatchObject({ code: 'ENCODER_CLOSED' });
      else expect(name).toContain('libav');
    }
    await expect(encoder.encode(texture.frame(0), options)).rejects.toMatchObject({ code: 'ENCODER_CLOSED' });
  });
});

describe.each(['VP8', 'H264'] as const)('the ffmpeg child of %s', (codec) => {
  const settings: EncoderSettings = { codec, ...SIZE, fps: FPS, bitrateBps: 600_000 };

  it('rejects pending and later calls with ENCODER_FAILED when it is killed', async () => {
    await using encoder = await FfmpegEncoder.open(settings);
    await encoder.encode(texture.frame(0), options);
    const [pid] = encoder.pids;
    process.kill(pid!, 'SIGSTOP');
    const pending = Promise.allSettled(clip(3).map((frame) => encoder.encode(frame, options)));
    process.kill(pid!, 'SIGKILL');
    for (const call of await pending) {
      expect(call.status === 'rejected' && call.reason instanceof GlimpseError && call.reason.code).toBe(
        'ENCODER_FAILED',
      );
    }
    await expect(encoder.encode(texture.frame(0), options)).rejects.toMatchObject({ code: 'ENCODER_FAILED' });
  });

  it('is gone once close has resolved, busy or not, also after a change of bitrate', async () => {
    const encoder = await FfmpegEncoder.open(settings);
    const pids = new Set(encoder.pids);
    await encoder.encode(texture.frame(0), options);
    const busy = encoder.encode(texture.frame(1), { ...options, bitrateBps: 2_000_000 }).catch(() => {});
    for (const pid of encoder.pids) pids.add(pid);
    await encoder.close();
    await busy;
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

function clip(frames: number, from = 0): I420Frame[] {
  return Array.from({ length: frames }, (_, i) => texture.frame(from + i));
}

async function encodeAll(encoder: VideoEncoder, frames: I420Frame[], options: EncodeOptions): Promise<AccessUnit[]> {
  const units: AccessUnit[] = [];
  for (const frame of frames) units.push(await encoder.encode(frame, options));
  return units;
}

/** The same smooth picture at any size; its planes and corners all differ. */
function smoothPicture(side: number): I420Frame {
  const data = Uint8Array.from([...smoothPlane(0, side), ...smoothPlane(1, side / 2), ...smoothPlane(2, side / 2)]);
  return { widthPx: side, heightPx: side, data };
}

function smoothPlane(plane: number, side: number): number[] {
  return Array.from({ length: side * side }, (_, i) => {
    const x = ((i % side) + 0.5) / side;
    const y = (Math.floor(i / side) + 0.5) / side;
    return Math.round(128 + 60 * Math.sin(3 * x + plane) * Math.cos(5 * y + 2 * plane) + 20 * (x - y));
  });
}
