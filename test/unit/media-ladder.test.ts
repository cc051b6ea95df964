import { describe, expect, it } from 'vitest';
import { ladder, rungsFor } from '../../src/picture/rungs.ts';

describe('ladder', () => {
  it('shows a picture of 256 px at its own size and ends at 64 px', () => {
    expect(ladder({ widthPx: 256, heightPx: 256 }).map(({ widthPx }) => widthPx)).toEqual([256, 192, 128, 96, 64]);
  });

  it('shows a smaller picture at twice its size', () => {
    expect(ladder({ widthPx: 128, heightPx: 128 })[0]).toEqual({ widthPx: 256, heightPx: 256 });
  });

  it('has a rung of 512 px for an upscaled picture, and none of it below that tier', () => {
    const rungs = ladder({ widthPx: 512, heightPx: 512 });
    const widths = (tierPx: number) =>
      rungsFor(rungs, { widthPx: tierPx, heightPx: tierPx }).map((rung) => rung.widthPx);
    expect(widths(512)).toEqual([512, 384, 256, 192, 128, 64]);
    expect(widths(256)).toEqual([256, 192, 128, 64]);
    expect(widths(64)).toEqual([128, 64]);
    expect(widths(8)).toEqual([64]);
  });

  it('keeps the aspect of a wide picture', () => {
    expect(ladder({ widthPx: 1280, heightPx: 720 })).toEqual([
      { widthPx: 1280, heightPx: 720 },
      { widthPx: 960, heightPx: 540 },
      { widthPx: 640, heightPx: 360 },
      { widthPx: 480, heightPx: 270 },
      { widthPx: 320, heightPx: 180 },
      { widthPx: 160, heightPx: 90 },
    ]);
  });
});
