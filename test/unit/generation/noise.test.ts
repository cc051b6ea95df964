import { describe, expect, it } from 'vitest';
import {
  createRandom,
  gaussian,
  grainNoise,
  latentNoise,
  particleNoise,
} from '../../../src/generation/slices/noise.ts';

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describe('noise', () => {
  it('is the same on every machine', () => {
    const random = createRandom(7, 1, 0);
    expect([random.bits(), random.bits(), random.bits()]).toMatchInlineSnapshot(`
      [
        2924574083,
        3809201828,
        1016900608,
      ]
    `);
  });

  it('differs between neighbouring seeds, slices and streams', () => {
    const first = [
      latentNoise(1, 0, 1)[0],
      latentNoise(2, 0, 1)[0],
      latentNoise(1, 1, 1)[0],
      grainNoise(1, 1)[0],
      particleNoise(1, 1)[0],
    ];
    expect(new Set(first).size).toBe(first.length);
  });

  it('has no correlation between the slices of a seed', () => {
    const a = latentNoise(3, 0, 4096);
    const b = latentNoise(3, 1, 4096);
    expect(Math.abs(mean(a.map((value, index) => value * (b[index] as number))))).toBeLessThan(0.06);
  });

  it('is standard normal', () => {
    const values = gaussian(createRandom(5), 100_001);
    const variance = mean(values.map((value) => value * value));
    const beyondTwo = mean(values.map((value) => Number(Math.abs(value) > 2)));
    expect(mean(values)).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
    expect(beyondTwo).toBeCloseTo(0.0455, 2);
  });

  it('keeps uniform numbers in [0, 1) as float32', () => {
    const values = particleNoise(9, 100_000);
    expect(Math.min(...values.subarray(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(mean(values)).toBeCloseTo(0.5, 2);
  });
});
