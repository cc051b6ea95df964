import { describe, expect, it } from 'vitest';
import type { I420Frame } from '../../src/picture/frame.ts';
import { LoopCache, type RecordedLoop } from '../../src/media/loops/loop-cache.ts';
import { SharedLoops } from '../../src/media/loops/shared-loops.ts';

const RUNG = { widthPx: 16, heightPx: 16 };
const frame = (): I420Frame => ({ ...RUNG, data: new Uint8Array(384) });
const pictures = (frames: readonly I420Frame[] = [frame(), frame()]) => ({ codec: 'VP8' as const, rung: RUNG, frames });
/** Two access units of so many bytes together. */
const loop = (sizeBytes = 100, bitrateBps = 500_000): RecordedLoop => ({
  bitrateBps,
  units: [0, 1].map((frameIndex) => ({
    frameIndex,
    unit: { ...RUNG, data: new Uint8Array(sizeBytes / 2), keyframe: frameIndex === 0, encodeMs: 1 },
  })),
});

describe('shared loops', () => {
  it('hands a recording to whoever shows the same pictures, which replays it from its start', () => {
    const loops = new SharedLoops();
    const shown = pictures();
    loops.put(shown, loop());
    const cache = new LoopCache();
    cache.adopt(loops.find({ ...shown, frames: [...shown.frames] }, 500_000)!);
    expect(cache.take(0, RUNG, 500_000)?.[0]?.keyframe).toBe(true);
    expect(cache.take(1, RUNG, 500_000)).toHaveLength(1);
    expect(loops.counts).toMatchObject({ hits: 1, misses: 0 });
  });

  it('knows pictures that look alike, a part of them, another rung or another codec for something else', () => {
    const loops = new SharedLoops();
    const shown = pictures();
    loops.put(shown, loop());
    expect(loops.find(pictures(), 500_000)).toBeUndefined();
    expect(loops.find(pictures(shown.frames.slice(0, 1)), 500_000)).toBeUndefined();
    expect(loops.find({ ...shown, rung: { widthPx: 8, heightPx: 8 } }, 500_000)).toBeUndefined();
    expect(loops.find({ ...shown, codec: 'H264' }, 500_000)).toBeUndefined();
    expect(loops.counts).toMatchObject({ hits: 0, misses: 4 });
  });

  it('finds what a bitrate carries, from a little above it down to half of it', () => {
    const loops = new SharedLoops();
    const shown = pictures();
    loops.put(shown, loop(100, 500_000));
    const found = [440_000, 460_000, 500_000, 720_000, 990_000, 1_010_000].map((bps) => loops.find(shown, bps));
    expect(found.map((each) => each !== undefined)).toEqual([false, true, true, true, true, false]);
  });

  it('forgets all when it is told to', () => {
    const loops = new SharedLoops();
    const shown = pictures();
    loops.put(shown, loop());
    loops.clear();
    expect(loops.bytes).toBe(0);
    expect(loops.find(shown, 500_000)).toBeUndefined();
  });

  it('holds no more bytes than it may, and forgets what was used longest ago', () => {
    const loops = new SharedLoops(250);
    const [one, two, three] = [pictures(), pictures(), pictures()];
    loops.put(one, loop());
    loops.put(two, loop());
    loops.find(one, 500_000);
    loops.put(three, loop());
    expect(loops.bytes).toBe(200);
    expect([one, two, three].map((shown) => loops.find(shown, 500_000) !== undefined)).toEqual([true, false, true]);
    loops.put(pictures(), loop(1_000));
    expect(loops.counts).toMatchObject({ evictions: 1, refused: 1 });
  });
});
