import { describe, expect, it } from 'vitest';
import type { AccessUnit } from '../../src/media/encode/encoder.ts';
import { LoopCache } from '../../src/media/loops/loop-cache.ts';

const RUNG = { widthPx: 256, heightPx: 256 };
const unit = (byte: number, keyframe = false): AccessUnit => ({
  ...RUNG,
  data: Uint8Array.of(byte),
  keyframe,
  encodeMs: 1,
});

/** Records the frames given, each loop beginning with a keyframe; `onLoop` on both sides. */
function recorded(frames: readonly number[] = [0, 1, 2, 3]): LoopCache {
  const cache = new LoopCache();
  cache.onLoop();
  for (const [order, frame] of frames.entries()) cache.onEncoded(frame, unit(frame, order === 0), 500_000);
  cache.onLoop();
  return cache;
}
const bytes = (units: AccessUnit[] | undefined) => units?.map(({ data }) => data[0]);
const take = (cache: LoopCache, frame: number) => bytes(cache.take(frame, RUNG, 500_000));

describe('loop cache', () => {
  it('replays a whole loop, and again', () => {
    const cache = recorded();
    for (let loop = 0; loop < 3; loop++) {
      for (let frame = 0; frame < 4; frame++) expect(take(cache, frame)).toEqual([frame]);
      cache.onLoop();
    }
  });

  it('records from the start of a loop only', () => {
    const cache = new LoopCache();
    cache.onEncoded(2, unit(2, true), 500_000);
    cache.onEncoded(3, unit(3), 500_000);
    cache.onLoop();
    expect(cache.whole).toBe(false);
  });

  it('sends every unit up to the frame on screen, for each builds on the one before', () => {
    const cache = recorded();
    expect(take(cache, 1)).toEqual([0, 1]);
    expect(take(cache, 3)).toEqual([2, 3]);
    expect(take(cache, 3)).toEqual([]);
  });

  it('waits for the next loop after an interruption', () => {
    const cache = recorded();
    take(cache, 0);
    cache.interrupt();
    expect(take(cache, 1)).toBeUndefined();
    expect(take(cache, 0)).toBeUndefined();
    cache.onLoop();
    expect(take(cache, 0)).toEqual([0]);
  });

  it('keeps no recording that a seek broke', () => {
    const cache = new LoopCache();
    cache.onLoop();
    for (let frame = 0; frame < 10; frame++) cache.onEncoded(frame, unit(frame, frame === 0), 500_000);
    cache.interrupt();
    for (let frame = 40; frame < 48; frame++) cache.onEncoded(frame, unit(frame, frame === 40), 500_000);
    cache.onLoop();
    expect(cache.whole).toBe(false);
  });

  it('keeps no recording with a stall in it, but one at a reduced frame rate', () => {
    expect(recorded([0, 1, 30, 31]).whole).toBe(false);
    const reduced = recorded([0, 2, 3, 5]);
    expect(reduced.whole).toBe(true);
    expect(take(reduced, 2)).toEqual([0, 2]);
  });

  it('keeps no recording with a second keyframe or out of order', () => {
    const twice = new LoopCache();
    twice.onLoop();
    twice.onEncoded(0, unit(0, true), 1);
    twice.onEncoded(1, unit(1, true), 1);
    twice.onLoop();
    expect(twice.whole).toBe(false);
    expect(recorded([0, 2, 1]).whole).toBe(false);
  });

  it('is dropped when rung or bitrate have moved away from it', () => {
    expect(recorded().take(0, { widthPx: 128, heightPx: 128 }, 500_000)).toBeUndefined();
    const tooRich = recorded();
    expect(tooRich.take(0, RUNG, 400_000)).toBeUndefined();
    expect(tooRich.whole).toBe(false);
    expect(recorded().take(0, RUNG, 1_100_000)).toBeUndefined();
    expect(bytes(recorded().take(0, RUNG, 900_000))).toEqual([0]);
  });
});
