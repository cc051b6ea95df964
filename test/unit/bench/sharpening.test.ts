import { describe, expect, it } from 'vitest';
import { firstRefinedMs, seenSlices, share } from '../../../bench/generation/sharpening/figures.ts';

const playing = (revision: number, slice: number, tier: string, rtpTimestamp = 0, variant?: string) => ({
  revision,
  slice,
  tier,
  rtpTimestamp,
  ...(variant ? { variant } : {}),
});

describe('what a viewer saw', () => {
  it('is each slice as it was first sent, of one revision, without its first', () => {
    const record = {
      playing: [
        playing(0, 5, 'refined'),
        playing(1, 0, 'draft'),
        playing(1, 0, 'refined'),
        playing(1, 1, 'base'),
        playing(1, 1, 'refined'),
        playing(1, 2, 'refined', 0, 'fast'),
        playing(1, 3, 'upscaled'),
      ],
    };
    expect(seenSlices(record, 1)).toEqual([
      { revision: 1, slice: 1, refined: false, fast: false },
      { revision: 1, slice: 2, refined: true, fast: true },
      { revision: 1, slice: 3, refined: true, fast: false },
    ]);
  });

  it('is how long each prompt took to be sharp on the glass, across the wrap of RTP time', () => {
    const record = {
      asked: [{ atMs: 100 }, { atMs: 1000 }, { atMs: 2000 }],
      playing: [
        playing(0, 0, 'draft', 2 ** 32 - 9000),
        playing(0, 0, 'refined', 900),
        playing(1, 0, 'draft', 9_000),
        playing(1, 1, 'refined', 18_000, 'fast'),
        playing(2, 0, 'base', 90_000),
      ],
      frames: [
        { rtpTimestamp: 2 ** 32 - 9000, atMs: 200 },
        { rtpTimestamp: 900, atMs: 310 },
        { rtpTimestamp: 9_000, atMs: 1100 },
        { rtpTimestamp: 18_000, atMs: 1500 },
        { rtpTimestamp: 90_000, atMs: 2100 },
      ],
    };
    expect(firstRefinedMs(record)).toEqual([210, 500, undefined]);
  });

  it('is no share of nothing', () => {
    expect([share(0, 0), share(1, 4)]).toEqual([0, 0.25]);
  });
});
