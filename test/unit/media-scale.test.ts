import { describe, expect, it } from 'vitest';
import type { I420Frame } from '../../src/picture/frame.ts';
import { scaleI420 } from '../../src/media/encode/scale.ts';
import { lowestPsnrDb } from '../../bench/support/pictures/psnr.ts';

describe('scaleI420', () => {
  it('returns a frame of the right size as it is', () => {
    const frame = picture(64, 48);
    expect(scaleI420(frame, 64, 48)).toBe(frame);
  });

  it.each([
    [64, 64, 256, 256],
    [256, 256, 64, 64],
    [96, 64, 72, 48],
    [64, 64, 96, 80],
    [130, 98, 128, 96],
  ])('keeps a smooth picture in place from %i×%i to %i×%i', (fromWidth, fromHeight, toWidth, toHeight) => {
    const scaled = scaleI420(picture(fromWidth, fromHeight), toWidth, toHeight);
    expect(lowestPsnrDb(scaled, picture(toWidth, toHeight))).toBeGreaterThan(40);
  });

  it.each([0, 16, 235, 255])('keeps a flat picture of %i exactly flat', (level) => {
    const flat = { widthPx: 34, heightPx: 26, data: new Uint8Array((34 * 26 * 3) / 2).fill(level) };
    for (const side of [20, 62]) expect(new Set(scaleI420(flat, side, side).data)).toEqual(new Set([level]));
  });

  it('averages downwards: a fine checkerboard becomes grey, not stripes', () => {
    const side = 64;
    const data = new Uint8Array((side * side * 3) / 2).fill(128);
    for (let i = 0; i < side * side; i += 1) data[i] = ((i % side) + Math.floor(i / side)) % 2 === 0 ? 0 : 255;
    const luma = scaleI420({ widthPx: side, heightPx: side, data }, 16, 16).data.subarray(0, 256);
    for (const sample of luma) expect(Math.abs(sample - 127.5)).toBeLessThan(2);
  });

  it('clamps where the cubic overshoots an edge', () => {
    const side = 16;
    const data = new Uint8Array((side * side * 3) / 2).fill(128);
    for (let i = 0; i < side * side; i += 1) data[i] = i % side < side / 2 ? 0 : 255;
    const row = scaleI420({ widthPx: side, heightPx: side, data }, 64, 64).data.subarray(0, 64);
    expect(row[0]).toBe(0);
    expect(row[63]).toBe(255);
    expect(row.toSorted()).toEqual(row);
  });
});

/** A smooth picture whose planes and corners all differ. */
function picture(widthPx: number, heightPx: number): I420Frame {
  const data = [0, 1, 2].flatMap((plane) => {
    const width = plane === 0 ? widthPx : widthPx / 2;
    const height = plane === 0 ? heightPx : heightPx / 2;
    return Array.from({ length: width * height }, (_, i) => {
      const x = ((i % width) + 0.5) / width;
      const y = (Math.floor(i / width) + 0.5) / height;
      return Math.round(128 + 60 * Math.sin(3 * x + plane) * Math.cos(5 * y + plane) + 30 * (x - y));
    });
  });
  return { widthPx, heightPx, data: Uint8Array.from(data) };
}
