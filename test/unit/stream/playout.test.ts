import { describe, expect, it } from 'vitest';
import type { Tier } from '../../../src/picture/tiers.ts';
import { Playout } from '../../../src/stream/timeline/playout.ts';
import { Timeline } from '../../../src/stream/timeline/timeline.ts';

const FRAME_US = 1e6 / 10;

function setUp({ slices = 3, loopFrames }: { slices?: number; loopFrames?: number } = {}) {
  const timeline = new Timeline(4);
  const put = (slice: number, tier: Tier = 'base', revision = 0) =>
    timeline.put({
      revision,
      slice,
      tier,
      computeMs: 0,
      frames: Array.from({ length: 4 }, () => ({ widthPx: 2, heightPx: 2, data: new Uint8Array(6) })),
    });
  for (let slice = 0; slice < slices; slice++) put(slice);
  return { timeline, put, playout: new Playout({ fps: 10, loopFrames }) };
}

describe('playout', () => {
  it('has nothing to show before the first picture', () => {
    const { playout, timeline } = setUp({ slices: 0 });
    expect(playout.at(0, timeline)).toBeUndefined();
  });

  it('starts a revision at its first frame, whenever that comes', () => {
    const { playout, timeline } = setUp();
    expect(playout.at(5_000_000, timeline)?.picture.frameIndex).toBe(0);
    expect(playout.nextFrameUs()).toBe(5_000_000 + FRAME_US);
    expect(playout.at(5_000_000 + 3 * FRAME_US, timeline)?.picture.frameIndex).toBe(3);
  });

  it('asked exactly when it said a frame is due, shows that frame', () => {
    const { playout, timeline } = setUp({ slices: 5 });
    let nowUs = 1_234_567.891;
    for (let expected = 0; expected < 20; expected++) {
      expect(playout.at(nowUs, timeline)?.picture.frameIndex).toBe(expected);
      nowUs = playout.nextFrameUs();
    }
    expect(playout.lateFrames).toBe(0);
  });

  it('lets the last frame stand when the generator is late, counts it, and skips nothing', () => {
    const { playout, timeline, put } = setUp({ slices: 1 });
    playout.at(0, timeline);
    expect(playout.at(3 * FRAME_US, timeline)?.late).toBe(false);
    const standing = playout.at(6 * FRAME_US, timeline);
    expect(standing).toMatchObject({ late: true, fresh: false, picture: { frameIndex: 3 } });
    expect(playout.lateFrames).toBe(3);
    put(1);
    expect(playout.at(7 * FRAME_US, timeline)).toMatchObject({ late: false, picture: { frameIndex: 4 } });
  });

  it('shows a better tier of the frame that stands as a fresh picture', () => {
    const { playout, timeline, put } = setUp();
    playout.at(0, timeline);
    expect(playout.at(1, timeline)?.fresh).toBe(false);
    put(0, 'refined');
    expect(playout.at(2, timeline)).toMatchObject({ fresh: true, picture: { tier: 'refined', frameIndex: 0 } });
  });

  it('goes on from the frame on screen after a pause', () => {
    const { playout, timeline } = setUp();
    playout.at(0, timeline);
    playout.at(2 * FRAME_US, timeline);
    playout.pause();
    expect(playout.at(9 * FRAME_US, timeline)?.picture.frameIndex).toBe(2);
    playout.play(9 * FRAME_US);
    expect(playout.at(10 * FRAME_US, timeline)?.picture.frameIndex).toBe(3);
    expect(playout.lateFrames).toBe(0);
  });

  it('loops a clip and says so once a loop', () => {
    const { playout, timeline } = setUp({ slices: 3, loopFrames: 12 });
    playout.at(0, timeline);
    playout.at(11 * FRAME_US, timeline);
    expect(playout.at(12 * FRAME_US, timeline)).toMatchObject({ looped: true, picture: { frameIndex: 0 } });
    expect(playout.at(13 * FRAME_US, timeline)).toMatchObject({ looped: false, picture: { frameIndex: 1 } });
    expect(playout.playheadMs).toBe(100);
  });

  it('seeks within a clip, and no further than its last frame', () => {
    const { playout, timeline } = setUp({ slices: 3, loopFrames: 12 });
    playout.at(0, timeline);
    playout.seek(500, 0);
    expect(playout.at(0, timeline)?.picture.frameIndex).toBe(5);
    playout.seek(99_999, 0);
    expect(playout.at(0, timeline)?.picture.frameIndex).toBe(11);
  });

  it('jumps to a new revision at once', () => {
    const { playout, timeline, put } = setUp();
    playout.at(0, timeline);
    playout.at(5 * FRAME_US, timeline);
    put(0, 'draft', 1);
    expect(playout.at(5.5 * FRAME_US, timeline)).toMatchObject({
      fresh: true,
      picture: { revision: 1, frameIndex: 0 },
    });
  });

  it('goes on at the same frame in a revision that takes the place of the slice on screen, without losing the beat', () => {
    const { playout, timeline, put } = setUp();
    playout.at(0, timeline);
    expect(playout.at(6 * FRAME_US, timeline)?.picture.frameIndex).toBe(6);
    playout.switchInPlace({ revision: 1, of: 0, firstFrame: 4, frames: 4 });
    put(0, 'draft', 1);
    const bent = playout.at(6.4 * FRAME_US, timeline);
    expect(bent?.picture).toMatchObject({ revision: 1, slice: 0, frameIndex: 2 });
    expect(playout.nextFrameUs()).toBeCloseTo(7 * FRAME_US, 6);
    expect(playout.lateFrames).toBe(0);
  });

  it('shows such a revision from its beginning when the slice has been played through meanwhile', () => {
    const { playout, timeline, put } = setUp();
    playout.at(0, timeline);
    playout.switchInPlace({ revision: 1, of: 0, firstFrame: 0, frames: 4 });
    expect(playout.at(9 * FRAME_US, timeline)?.picture.frameIndex).toBe(9);
    put(0, 'draft', 1);
    expect(playout.at(10 * FRAME_US, timeline)?.picture).toMatchObject({ revision: 1, frameIndex: 0 });
  });

  it('begins at the first frame when the revision that was to be replaced never played', () => {
    const { playout, timeline, put } = setUp();
    playout.at(0, timeline);
    playout.at(6 * FRAME_US, timeline);
    playout.switchInPlace({ revision: 2, of: 1, firstFrame: 0, frames: 4 });
    put(0, 'draft', 2);
    expect(playout.at(7 * FRAME_US, timeline)?.picture).toMatchObject({ revision: 2, frameIndex: 0 });
  });
});
