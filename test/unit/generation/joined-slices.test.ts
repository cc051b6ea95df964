import { describe, expect, it } from 'vitest';
import type { Rendition } from '../../../src/generation/generator.ts';
import { JoinedSlices } from '../../../src/generation/slices/joined-slices.ts';
import { SliceJoints } from '../../../src/generation/slices/slice-joints.ts';
import type { I420Frame } from '../../../src/picture/frame.ts';

const SLICE = { frames: 2, fps: 12 };
const frame = (level: number): I420Frame => ({ widthPx: 4, heightPx: 4, data: new Uint8Array(24).fill(level) });
const rendition = (slice: number, level: number): Rendition => ({
  revision: 0,
  slice,
  tier: 'refined',
  frames: [frame(level), frame(level)],
  computeMs: 0,
});

describe('joined slices', () => {
  it('shows every session the same frames after the same slice, also where two want them at once', async () => {
    const [one, two] = [rendition(0, 100), rendition(1, 102)];
    const show = async () => {
      const joints = new SliceJoints(SLICE);
      await joints.join(one, false);
      return (await joints.join(two, true)).frames;
    };
    const [first, ...others] = [...(await Promise.all([show(), show()])), await show()];
    expect(first?.[0]).not.toBe(two.frames[0]);
    for (const frames of others) expect(frames.every((each, index) => each === first?.[index])).toBe(true);
  });

  it('fades afresh after another slice', async () => {
    const two = rendition(1, 102);
    const after = async (level: number) => {
      const joints = new SliceJoints(SLICE);
      await joints.join(rendition(0, level), false);
      return (await joints.join(two, true)).frames[0]!.data[0];
    };
    expect(await after(100)).toBeLessThan(102);
    expect(await after(104)).toBeGreaterThan(102);
  });

  it('tries again after a fade that failed', async () => {
    const joined = new JoinedSlices();
    const [first, made] = [frame(1), frame(2)];
    const tail = joined.markOf(frame(0));
    await expect(joined.get(first, tail, () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
    expect(await joined.get(first, tail, async () => [made])).toEqual([made]);
  });
});
