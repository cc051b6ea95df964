import { describe, expect, it } from 'vitest';
import type { AccessUnit } from '../../src/media/encoder.ts';
import { LoopCache } from '../../src/media/loop-cache.ts';

const RUNG = { widthPx: 256, heightPx: 256 };
const unit = (byte: number, keyframe = false): AccessUnit => ({
  ...RUNG,
  data: Uint8Array.of(byte),
  keyframe,
  encodeMs: 1,
});

function recorded(frames = 4): LoopCache {
  const cache = new LoopCache();
  for (let i = 0; i < frames; i++) cache.onEncoded(i, unit(i, i === 0), 500_000);
  cache.onLoop();
  return cache;
}
const bytes = (units: AccessUnit[] | undefined) => units?.map(({ data }) => data[0]);

describe('loop cache', () => {
  it('replays a whole loop, and again', () => {
    const cache = recorded();
    for (let loop = 0; loop < 3; loop++) {
      for (let i = 0; i < 4; i++) expect(bytes(cache.take(i, RUNG, 500_000))).toEqual([i]);
      cache.onLoop();
    }
  });

  it('begins a replay at frame 0 only', () => {
    const cache = recorded();
    expect(cache.take(2, RUNG, 500_000)).toBeUndefined();
    expect(bytes(cache.take(0, RUNG, 500_000))).toEqual([0]);
  });

  it('sends every unit up to the frame on screen, for each builds on the one before', () => {
    const cache = recorded();
    cache.take(0, RUNG, 500_000);
    expect(bytes(cache.take(3, RUNG, 500_000))).toEqual([1, 2, 3]);
    expect(bytes(cache.take(3, RUNG, 500_000))).toEqual([]);
  });

  it('waits for the next loop after an interruption', () => {
    const cache = recorded();
    cache.take(0, RUNG, 500_000);
    cache.interrupt();
    expect(cache.take(1, RUNG, 500_000)).toBeUndefined();
    expect(bytes(cache.take(0, RUNG, 500_000))).toEqual([0]);
  });

  it('keeps no recording with a hole in its order or a second keyframe', () => {
    const cache = new LoopCache();
    cache.onEncoded(0, unit(0, true), 1);
    cache.onEncoded(1, unit(1, true), 1);
    cache.onLoop();
    expect(cache.whole).toBe(false);
    cache.onEncoded(3, unit(3), 1);
    cache.onLoop();
    expect(cache.whole).toBe(false);
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
