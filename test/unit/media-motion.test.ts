/** How fast pictures move, told from two of them. */
import { describe, expect, it } from 'vitest';
import { MovingTexture } from '../../bench/moving-texture.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { Motion, motionPx } from '../../src/media/motion.ts';

const SIDE_PX = 128;
const still = new MovingTexture({ widthPx: SIDE_PX, heightPx: SIDE_PX, seed: 5 }).frame(0);

/** Luma moved to the left by so many pixels, from a row on. */
function moved(pixels: number, fromRow = 0): I420Frame {
  const data = Uint8Array.from(still.data);
  for (let at = fromRow * SIDE_PX; at < SIDE_PX * SIDE_PX; at++) {
    const row = at - (at % SIDE_PX);
    const sample = (x: number): number => still.data[row + (x % SIDE_PX)] ?? 0;
    const x = (at % SIDE_PX) + Math.floor(pixels);
    data[at] = Math.round(sample(x) * (1 - (pixels % 1)) + sample(x + 1) * (pixels % 1));
  }
  return { ...still, data };
}

describe('motionPx', () => {
  it.each([0.1, 0.25])('reads %d pixels a frame within a third', (pixels) => {
    expect(Math.abs(motionPx(still, moved(pixels))! / pixels - 1)).toBeLessThan(1 / 3);
  });

  it.each([0.5, 1, 2])('reads %d pixels a frame as no less than that', (pixels) => {
    expect(motionPx(still, moved(pixels))).toBeGreaterThan(0.9 * Math.min(pixels, 1));
  });

  it('tells of what moves in one place of a picture that stands', () => {
    expect(motionPx(still, moved(1, SIDE_PX - 20))).toBeGreaterThan(0.5);
  });

  it('is nothing for the same picture, much for another, and unknown for another size', () => {
    expect(motionPx(still, still)).toBe(0);
    const other = new MovingTexture({ widthPx: SIDE_PX, heightPx: SIDE_PX, seed: 6 }).frame(0);
    expect(motionPx(still, other)).toBeGreaterThan(1);
    const small = new MovingTexture({ widthPx: 64, heightPx: 64, seed: 5 }).frame(0);
    expect(motionPx(small, still)).toBeUndefined();
  });

  it('sees no motion in a flat picture', () => {
    const flat = { ...still, data: new Uint8Array(still.data.length).fill(90) };
    expect(motionPx(flat, flat)).toBe(0);
  });
});

describe('Motion', () => {
  const show = (motion: Motion, pictures: number, every: number, revision = 0): void => {
    for (let index = 0; index < pictures; index++)
      motion.onPicture({ frame: moved(0.1 * index * every), frameIndex: index * every, revision });
  };

  it('counts by the frames of the generator, however many are shown', () => {
    const each = new Motion();
    show(each, 10, 1);
    const second = new Motion();
    show(second, 10, 2);
    expect(Math.abs(second.px! / each.px! - 1)).toBeLessThan(0.2);
  });

  it('is not known before some pictures, nor after a new revision', () => {
    const motion = new Motion();
    show(motion, 8, 1);
    expect(motion.px).toBeUndefined();
    show(motion, 9, 1, 1);
    expect(motion.px).toBeGreaterThan(0);
    motion.onPicture({ frame: still, frameIndex: 9, revision: 2 });
    expect(motion.px).toBeUndefined();
  });
});
