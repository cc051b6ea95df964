import { describe, expect, it } from 'vitest';
import { areSigmas, denoiseSteps, sliceCount, sliceStartMs } from '../../../src/generation/slices/schedule.ts';

const SLICE = { frames: 8, fps: 12 };

describe('slices', () => {
  it('cover a clip, the last one perhaps beyond its end', () => {
    expect(sliceCount(2, SLICE)).toBe(3);
    expect(sliceCount(2.01, SLICE)).toBe(4);
    expect(sliceCount(0, SLICE)).toBe(1);
  });

  it('last two thirds of a second at 8 frames and 12 fps', () => {
    expect(sliceStartMs(1, SLICE)).toBeCloseTo(666.667, 3);
    expect(sliceStartMs(3, SLICE)).toBe(2000);
  });
});

describe('sigmas', () => {
  it('make one step less than there are levels', () => {
    expect(denoiseSteps([1, 0.8, 0])).toEqual([
      { sigma: 1, sigmaNext: 0.8 },
      { sigma: 0.8, sigmaNext: 0 },
    ]);
  });

  it('fall from 1 to 0', () => {
    expect(areSigmas([1, 0.8, 0])).toBe(true);
    for (const wrong of [[], [1], [0.9, 0], [1, 0.1], [1, 0.5, 0.5, 0], [1, 0.2, 0.5, 0], [1, Number.NaN, 0]]) {
      expect(areSigmas(wrong)).toBe(false);
    }
  });
});
