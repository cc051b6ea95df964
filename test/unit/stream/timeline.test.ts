import { describe, expect, it } from 'vitest';
import type { Rendition } from '../../../src/generation/generator.ts';
import type { Tier } from '../../../src/picture/tiers.ts';
import { Timeline } from '../../../src/stream/timeline/timeline.ts';

const frames = (count: number) =>
  Array.from({ length: count }, () => ({ widthPx: 2, heightPx: 2, data: new Uint8Array(6) }));
const rendition = (revision: number, slice: number, tier: Tier): Rendition => ({
  revision,
  slice,
  tier,
  frames: frames(8),
  computeMs: 1,
});

describe('timeline', () => {
  it('shows the best tier so far and never falls back within a revision', () => {
    const timeline = new Timeline(8);
    expect(timeline.put(rendition(0, 0, 'draft'))).toBe('switched');
    expect(timeline.put(rendition(0, 0, 'refined'))).toBe('placed');
    expect(timeline.put(rendition(0, 0, 'base'))).toBe('lower');
    expect(timeline.put(rendition(0, 0, 'refined'))).toBe('lower');
    expect(timeline.frameAt(3)).toMatchObject({ tier: 'refined', slice: 0, frameIndex: 3 });
  });

  it('lets a later draft replace an earlier one, and no other tier itself', () => {
    const timeline = new Timeline(8);
    timeline.put(rendition(0, 0, 'draft'));
    const clearer = rendition(0, 0, 'draft');
    expect(timeline.put(clearer)).toBe('placed');
    expect(timeline.frameAt(0)?.frame).toBe(clearer.frames[0]);
    timeline.put(rendition(0, 0, 'base'));
    expect(timeline.put(rendition(0, 0, 'base'))).toBe('lower');
    expect(timeline.put(clearer)).toBe('lower');
  });

  it('lets a tier that was made fast be replaced by the full one, and never the other way', () => {
    const timeline = new Timeline(8);
    const fast = { ...rendition(0, 0, 'refined'), variant: 'fast' } as const;
    timeline.put(rendition(0, 0, 'base'));
    expect(timeline.put(fast)).toBe('placed');
    expect(timeline.frameAt(0)).toMatchObject({ tier: 'refined', variant: 'fast' });
    expect(timeline.put(rendition(0, 0, 'refined'))).toBe('placed');
    expect(timeline.bestOf(0)).toMatchObject({ tier: 'refined', variant: 'full' });
    expect(timeline.put(fast)).toBe('lower');
    expect(timeline.frameAt(0)?.variant).toBe('full');
  });

  it('keeps the old revision on screen until the new one has a picture, then drops all of it', () => {
    const timeline = new Timeline(8);
    timeline.put(rendition(0, 0, 'refined'));
    timeline.put(rendition(0, 1, 'refined'));
    expect(timeline.frameAt(9)?.revision).toBe(0);
    expect(timeline.put(rendition(1, 0, 'draft'))).toBe('switched');
    expect(timeline.frameAt(0)).toMatchObject({ revision: 1, tier: 'draft' });
    expect(timeline.frameAt(9)).toBeUndefined();
    expect(timeline.put(rendition(0, 1, 'refined'))).toBe('stale');
  });

  it('shows runs of frames as they come, each over the lower tier it betters, and calls a slice whole when it is', () => {
    const timeline = new Timeline(8);
    timeline.put(rendition(0, 0, 'base'));
    const run = (firstFrame: number, count: number): Rendition => ({
      ...rendition(0, 0, 'refined'),
      frames: frames(count),
      firstFrame,
    });
    expect(timeline.put(run(0, 3))).toBe('placed');
    expect([2, 3].map((frame) => timeline.frameAt(frame)?.tier)).toEqual(['refined', 'base']);
    expect(timeline.tierOf(0)).toBe('base');
    expect(timeline.put(run(0, 3))).toBe('lower');
    expect(timeline.put(run(3, 5))).toBe('placed');
    expect(timeline.tierOf(0)).toBe('refined');
    expect(timeline.bestOf(0)?.frames).toHaveLength(8);
  });

  it('has no picture where a run has not come to yet', () => {
    const timeline = new Timeline(8);
    expect(timeline.put({ ...rendition(0, 0, 'base'), frames: frames(2) })).toBe('switched');
    expect(timeline.frameAt(1)).toMatchObject({ tier: 'base' });
    expect(timeline.frameAt(2)).toBeUndefined();
    expect(timeline.bestOf(0)).toBeUndefined();
  });

  it('forgets what lies behind', () => {
    const timeline = new Timeline(8);
    for (let slice = 0; slice < 5; slice++) timeline.put(rendition(0, slice, 'base'));
    timeline.dropBefore(3);
    expect(timeline.sliceCount).toBe(2);
    expect(timeline.tierOf(2)).toBeUndefined();
    expect(timeline.tierOf(3)).toBe('base');
  });
});
