import { describe, expect, it } from 'vitest';
import { rungsWithin } from '../../src/media/encode/h264-level.ts';
import { ladder } from '../../src/picture/rungs.ts';

const RUNGS = ladder({ widthPx: 1_920, heightPx: 1_080 });
const widest = (levelIdc: number, fps: number): number => rungsWithin(RUNGS, levelIdc, fps)[0]!.widthPx;

describe('rungsWithin', () => {
  it('leaves what a decoder of the level can take', () => {
    expect(widest(0x28, 30)).toBe(1_920);
    expect(widest(0x1f, 24)).toBe(960);
    expect(rungsWithin([{ widthPx: 1_280, heightPx: 720 }], 0x1f, 30)).toHaveLength(1);
  });

  it('counts pictures a second too', () => {
    expect(widest(0x28, 60)).toBeLessThan(1_920);
    expect(widest(0x2a, 60)).toBe(1_920);
  });

  it('takes a level between two for the lower, and is never empty', () => {
    expect(rungsWithin(RUNGS, 0x29, 30)).toEqual(rungsWithin(RUNGS, 0x28, 30));
    expect(rungsWithin(RUNGS, 0, 30)).toEqual(RUNGS.slice(-1));
    expect(rungsWithin(RUNGS, 255, 30)).toEqual(RUNGS);
  });
});
