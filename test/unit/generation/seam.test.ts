import { describe, expect, it } from 'vitest';
import { frameDifference, seamOf } from '../../../src/generation/slices/seam.ts';
import type { I420Frame } from '../../../src/picture/frame.ts';

/** A grey picture; its colour planes are noise, which a measure of luma must not see. */
const grey = (luma: number): I420Frame => {
  const data = new Uint8Array(96).map((_, index) => (index < 64 ? luma : (luma * 37 + index * 91) % 256));
  return { widthPx: 8, heightPx: 8, data };
};
const slice = (...lumas: number[]): I420Frame[] => lumas.map(grey);

describe('frameDifference', () => {
  it('is the mean step of luma', () => {
    expect(frameDifference(grey(10), grey(14))).toBe(4);
    expect(frameDifference(grey(14), grey(10))).toBe(4);
  });
});

describe('seamOf', () => {
  it('is 1 where motion runs through the boundary', () => {
    expect(seamOf([slice(10, 12, 14), slice(16, 18, 20)])).toEqual({ boundary: 2, inside: 2, ratio: 1 });
  });

  it('says how many times larger the step between slices is', () => {
    expect(seamOf([slice(10, 12, 14), slice(24, 26, 28), slice(38, 40, 42)])).toMatchObject({ boundary: 10, ratio: 5 });
  });

  it('finds no seam in a still picture, nor where there is one slice', () => {
    expect(seamOf([slice(9, 9), slice(9, 9)]).ratio).toBe(1);
    expect(seamOf([slice(9, 12)])).toMatchObject({ boundary: 0, ratio: 1 });
    expect(seamOf([])).toMatchObject({ boundary: 0, inside: 0, ratio: 1 });
  });
});
