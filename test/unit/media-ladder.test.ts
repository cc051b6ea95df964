import { describe, expect, it } from 'vitest';
import { ladder } from '../../src/media/ladder.ts';

describe('ladder', () => {
  it('shows a picture of 256 px at its own size and ends at 64 px', () => {
    expect(ladder({ widthPx: 256, heightPx: 256 }).map(({ widthPx }) => widthPx)).toEqual([256, 192, 128, 96, 64]);
  });

  it('shows a smaller picture at twice its size', () => {
    expect(ladder({ widthPx: 128, heightPx: 128 })[0]).toEqual({ widthPx: 256, heightPx: 256 });
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
