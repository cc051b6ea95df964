import { describe, expect, it } from 'vitest';
import type { Rendition } from '../../../src/generation/generator.ts';
import { frameDifference, seamOf } from '../../../src/generation/slices/seam.ts';
import { fadeShare, seamDifference, withDifference } from '../../../src/generation/slices/seam-fade.ts';
import { SliceJoints } from '../../../src/generation/slices/slice-joints.ts';
import type { I420Frame } from '../../../src/picture/frame.ts';

const SIDE = 32;
const SLICE = { frames: 8, fps: 12 };

/** A grey picture with a bright square, whose left edge is at `x`. */
function picture(background: number, x?: number): I420Frame {
  const data = new Uint8Array((SIDE * SIDE * 3) / 2).fill(128);
  data.fill(background, 0, SIDE * SIDE);
  if (x !== undefined) for (let row = 8; row < 16; row++) data.fill(240, row * SIDE + x, row * SIDE + x + 8);
  return { widthPx: SIDE, heightPx: SIDE, data };
}
const rendition = (slice: number, frame: (index: number) => I420Frame): Rendition => ({
  revision: 0,
  slice,
  tier: 'base',
  computeMs: 1,
  frames: Array.from({ length: SLICE.frames }, (_, index) => frame(index)),
});

describe('the fade between slices', () => {
  it('turns a jump of a still picture into a drift, and ends at the picture as it was made', async () => {
    const joints = new SliceJoints(SLICE);
    const first = await joints.join(
      rendition(0, () => picture(100)),
      false,
    );
    const made = rendition(1, () => picture(116));
    const second = await joints.join(made, true);
    const lumas = second.frames.map(({ data }) => data[0]);
    expect(lumas).toEqual([101, 103, 105, 107, 109, 111, 113, 115]);
    expect(seamOf([first.frames, made.frames]).ratio).toBeGreaterThan(100);
    expect(seamOf([first.frames, second.frames]).ratio).toBeLessThanOrEqual(1);
  });

  it('takes no more memory than the difference itself: what it leaves is collected between packets', () => {
    const tail = { beforeLast: picture(100), last: picture(100, 4) };
    const head = [picture(116, 5), picture(116, 6)] as const;
    const before = process.memoryUsage().arrayBuffers;
    const difference = seamDifference(tail, head);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1.2 * difference.byteLength);
  });

  it('fades colour with brightness', async () => {
    const joints = new SliceJoints(SLICE);
    const blue = picture(100);
    blue.data.fill(180, SIDE * SIDE, (SIDE * SIDE * 5) / 4);
    await joints.join(
      rendition(0, () => blue),
      false,
    );
    const { frames } = await joints.join(
      rendition(1, () => picture(100)),
      true,
    );
    expect(frames[0]?.data[SIDE * SIDE]).toBe(177);
    expect(frames.at(-1)?.data[SIDE * SIDE]).toBe(131);
  });

  it('leaves no ghost of what moves', async () => {
    const joints = new SliceJoints(SLICE);
    await joints.join(
      rendition(0, (index) => picture(100, index)),
      false,
    );
    const made = rendition(1, (index) => picture(100, SLICE.frames + index));
    const { frames } = await joints.join(made, true);
    for (const [index, frame] of frames.entries())
      expect(frameDifference(frame, made.frames[index] ?? frame)).toBeLessThan(0.2);
  });

  it('joins nothing that was not made to go on, has another size, or comes in parts', async () => {
    const joints = new SliceJoints(SLICE);
    await joints.join(
      rendition(0, () => picture(100)),
      false,
    );
    const anew = rendition(1, () => picture(200));
    expect(await joints.join(anew, false)).toBe(anew);
    const small = { widthPx: 2, heightPx: 2, data: new Uint8Array(6) };
    const other = rendition(2, () => small);
    expect(await joints.join(other, true)).toBe(other);
    const part = { ...rendition(3, () => small), frames: [small], firstFrame: 2 };
    expect(await joints.join(part, true)).toBe(part);
  });

  it('changes neither what it is given nor anything out of range', () => {
    const bright = picture(250);
    const before = bright.data.slice();
    const tail = { beforeLast: picture(0), last: picture(0) };
    const difference = seamDifference(tail, [bright, bright]);
    expect(withDifference(picture(5), difference, 1).data[0]).toBe(0);
    expect(bright.data).toEqual(before);
    const shares = Array.from({ length: 8 }, (_, index) => fadeShare(index, 8));
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(shares.every((share) => share > 0 && share < 1)).toBe(true);
  });
});
