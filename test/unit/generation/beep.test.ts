import { describe, expect, it } from 'vitest';
import { decodeSegment, encodeSegment } from '../../../src/generation/cache/segment-file.ts';
import { beepSound, flashFrames, isFlash } from '../../../src/generation/pattern/beep.ts';
import { PatternGenerator } from '../../../src/generation/pattern/pattern.ts';
import { SOUND_RATE_HZ, sliceSamples } from '../../../src/picture/sound.ts';

const onsets = (samples: Float32Array): number[] =>
  [...samples].flatMap((value, index) => {
    const before = samples.subarray(Math.max(0, index - 2_000), index);
    return Math.abs(value) > 0.1 && before.every((other) => Math.abs(other) <= 0.1) ? [index] : [];
  });

describe('beep and flash', () => {
  it.each([24, 30, 25, 15, 29.97])('begin together at %d frames a second', (fps) => {
    const shape = { frames: 8, fps };
    const slices = Math.ceil((3.5 * fps) / shape.frames);
    const samples = Float32Array.from(
      Array.from({ length: slices }, (_, slice) => [...beepSound(slice, shape).samples]).flat(),
    );
    const heard = onsets(samples);
    expect(heard.length).toBeGreaterThanOrEqual(3);
    for (const [count, at] of heard.entries()) {
      const frame = count * flashFrames(fps);
      expect(isFlash(frame, fps)).toBe(true);
      expect(isFlash(frame + flashFrames(fps) - 1, fps)).toBe(false);
      // The beep rises within a quarter of a millisecond or so.
      expect(Math.abs(at - (frame * SOUND_RATE_HZ) / fps)).toBeLessThan(40);
    }
  });

  it('come with every tier, exactly as long as the slice', async () => {
    await using generator = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 29.97, beep: true });
    const job = { revision: 0, slice: 3, prompt: '', seed: 1, startMs: 0, stopAtTier: 'refined' as const };
    const { from, to } = sliceSamples(3, generator.info.slice);
    for await (const { audio } of generator.generate(job, { signal: new AbortController().signal }))
      expect(audio?.samples.length).toBe(to - from);
    expect(generator.info.sound).toEqual({ channels: 1 });
  });

  it('are not there unless asked for', async () => {
    await using generator = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 24 });
    const job = { revision: 0, slice: 0, prompt: '', seed: 1, startMs: 0, stopAtTier: 'base' as const };
    for await (const rendition of generator.generate(job, { signal: new AbortController().signal }))
      expect(rendition.audio).toBeUndefined();
    expect(generator.info.sound).toBeUndefined();
  });
});

describe('a cached segment', () => {
  const frames = [{ widthPx: 2, heightPx: 2, data: new Uint8Array(6).fill(7) }];
  const audio = { channels: 2 as const, samples: Float32Array.from([0.5, -0.5, 0.25]) };

  it.each([
    ['sound', undefined, audio],
    ['sound and latents', new Float32Array([1, 2]), audio],
    ['neither', undefined, undefined],
  ])('keeps %s', async (_, latents, sound) => {
    const file = await encodeSegment('key', { tier: 'base', frames, latents, ...(sound && { audio: sound }) });
    const read = await decodeSegment('key', file);
    expect(read?.audio).toEqual(sound);
    expect(read?.latents).toEqual(latents);
  });
});
