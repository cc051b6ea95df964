import { describe, expect, it } from 'vitest';
import { allocate } from '../../../src/congestion/allocator.ts';
import { soundRate, type SoundRateBps } from '../../../src/congestion/sound-rate.ts';

describe('the rate of the sound', () => {
  it.each<[targetBps: number, previous: SoundRateBps | undefined, rateBps: SoundRateBps]>([
    [0, undefined, 20_000],
    [60_000, 48_000, 20_000],
    [199_000, 32_000, 20_000],
    [200_000, undefined, 32_000],
    [200_000, 32_000, 32_000],
    [240_000, 20_000, 20_000],
    [250_000, 20_000, 32_000],
    [599_000, 48_000, 32_000],
    [600_000, undefined, 48_000],
    [700_000, 32_000, 32_000],
    [750_000, 32_000, 48_000],
    [8_000_000, 20_000, 48_000],
  ])('at %d bps after %s is %d', (targetBps, previous, rateBps) => {
    expect(soundRate(targetBps, previous)).toBe(rateBps);
  });
});

describe('the grant', () => {
  const input = {
    nowUs: 0,
    queueMs: 0,
    rungs: [{ widthPx: 640, heightPx: 360 }],
    generatorFps: 24,
    tierLimit: 'refined' as const,
  };
  it.each([
    [1_000_000, 0, 930_000],
    [1_000_000, 70_000, 864_900],
    [100_000, 45_000, 51_150],
    [60_000, 45_000, 27_900],
  ])('of %d bps, with %d of sound, leaves %d for pictures', (targetBps, soundBps, bitrateBps) => {
    expect(allocate({ ...input, targetBps, soundBps }, undefined).allocation.bitrateBps).toBe(bitrateBps);
  });
});
