import { describe, expect, it } from 'vitest';
import type { Tier } from '../../../src/picture/tiers.ts';
import { Playout } from '../../../src/stream/timeline/playout.ts';
import { PlayoutReader } from '../../../src/stream/timeline/playout-reader.ts';
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
  const playout = new Playout({ fps: 10, loopFrames });
  const open = () => new PlayoutReader({ at: (nowUs) => playout.at(nowUs, timeline) });
  return { put, playout, open, reader: open() };
}

describe('playout', () => {
  it('has nothing to show before the first picture', () => {
    const { reader } = setUp({ slices: 0 });
    expect(reader.at(0)).toBeUndefined();
  });

  it('starts a revision at its first frame, whenever that comes', () => {
    const { playout, reader } = setUp();
    expect(reader.at(5_000_000)?.picture.frameIndex).toBe(0);
    expect(playout.nextFrameUs()).toBe(5_000_000 + FRAME_US);
    expect(reader.at(5_000_000 + 3 * FRAME_US)?.picture.frameIndex).toBe(3);
  });

  it('asked exactly when it said a frame is due, shows that frame', () => {
    const { playout, reader } = setUp({ slices: 5 });
    let nowUs = 1_234_567.891;
    for (let expected = 0; expected < 20; expected++) {
      expect(reader.at(nowUs)?.picture.frameIndex).toBe(expected);
      nowUs = playout.nextFrameUs();
    }
    expect(playout.lateFrames).toBe(0);
  });

  it('lets the last frame stand when the generator is late, counts it, and skips nothing', () => {
    const { playout, reader, put } = setUp({ slices: 1 });
    reader.at(0);
    expect(reader.at(3 * FRAME_US)?.late).toBe(false);
    const standing = reader.at(6 * FRAME_US);
    expect(standing).toMatchObject({ late: true, fresh: false, picture: { frameIndex: 3 } });
    expect(playout.lateFrames).toBe(3);
    put(1);
    expect(reader.at(7 * FRAME_US)).toMatchObject({ late: false, picture: { frameIndex: 4 } });
  });

  it('shows a better tier of the frame that stands as a fresh picture', () => {
    const { reader, put } = setUp();
    reader.at(0);
    expect(reader.at(1)?.fresh).toBe(false);
    put(0, 'refined');
    expect(reader.at(2)).toMatchObject({ fresh: true, picture: { tier: 'refined', frameIndex: 0 } });
  });

  it('goes on from the frame on screen after a pause', () => {
    const { playout, reader } = setUp();
    reader.at(0);
    reader.at(2 * FRAME_US);
    playout.pause();
    expect(reader.at(9 * FRAME_US)?.picture.frameIndex).toBe(2);
    playout.play(9 * FRAME_US);
    expect(reader.at(10 * FRAME_US)?.picture.frameIndex).toBe(3);
    expect(playout.lateFrames).toBe(0);
  });

  it('loops a clip and says so once a loop', () => {
    const { playout, reader } = setUp({ slices: 3, loopFrames: 12 });
    reader.at(0);
    reader.at(11 * FRAME_US);
    expect(reader.at(12 * FRAME_US)).toMatchObject({ looped: true, picture: { frameIndex: 0 } });
    expect(reader.at(13 * FRAME_US)).toMatchObject({ looped: false, picture: { frameIndex: 1 } });
    expect(playout.playheadMs).toBe(100);
  });

  it('seeks within a clip, and no further than its last frame', () => {
    const { playout, reader } = setUp({ slices: 3, loopFrames: 12 });
    reader.at(0);
    playout.seek(500, 0);
    expect(reader.at(0)?.picture.frameIndex).toBe(5);
    playout.seek(99_999, 0);
    expect(reader.at(0)?.picture.frameIndex).toBe(11);
  });

  it('jumps to a new revision at once', () => {
    const { reader, put } = setUp();
    reader.at(0);
    reader.at(5 * FRAME_US);
    put(0, 'draft', 1);
    expect(reader.at(5.5 * FRAME_US)).toMatchObject({
      fresh: true,
      picture: { revision: 1, frameIndex: 0 },
    });
  });

  it('goes on at the same frame in a revision that takes the place of the slice on screen, without losing the beat', () => {
    const { playout, reader, put } = setUp();
    reader.at(0);
    expect(reader.at(6 * FRAME_US)?.picture.frameIndex).toBe(6);
    playout.switchInPlace({ revision: 1, of: 0, firstFrame: 4, frames: 4 });
    put(0, 'draft', 1);
    const bent = reader.at(6.4 * FRAME_US);
    expect(bent?.picture).toMatchObject({ revision: 1, slice: 0, frameIndex: 2 });
    expect(playout.nextFrameUs()).toBeCloseTo(7 * FRAME_US, 6);
    expect(playout.lateFrames).toBe(0);
  });

  it('shows such a revision from its beginning when the slice has been played through meanwhile', () => {
    const { playout, reader, put } = setUp();
    reader.at(0);
    playout.switchInPlace({ revision: 1, of: 0, firstFrame: 0, frames: 4 });
    expect(reader.at(9 * FRAME_US)?.picture.frameIndex).toBe(9);
    put(0, 'draft', 1);
    expect(reader.at(10 * FRAME_US)?.picture).toMatchObject({ revision: 1, frameIndex: 0 });
  });

  it('tells each reader what is new to it, and moves one playhead for all', () => {
    const { reader, open } = setUp({ slices: 3, loopFrames: 12 });
    const slow = open();
    expect([reader.at(0)?.fresh, slow.at(0)?.fresh]).toEqual([true, true]);
    expect(reader.at(1 * FRAME_US)).toMatchObject({ fresh: true, picture: { frameIndex: 1 } });
    expect(slow.at(1 * FRAME_US)).toMatchObject({ fresh: true, picture: { frameIndex: 1 } });
    reader.at(13 * FRAME_US);
    expect(slow.at(13 * FRAME_US)).toMatchObject({ looped: true, picture: { frameIndex: 1 } });
    expect(open().at(13 * FRAME_US)).toMatchObject({ looped: false, fresh: true });
  });

  it('stands while nobody is there, and stays paused for whoever returns to a pause', () => {
    const { playout, reader } = setUp();
    reader.at(0);
    playout.hold();
    expect([playout.paused, playout.stands, playout.nextFrameUs()]).toEqual([false, true, Infinity]);
    playout.release(5 * FRAME_US);
    expect(reader.at(7 * FRAME_US)?.picture.frameIndex).toBe(2);
    playout.hold();
    playout.pause();
    playout.release(9 * FRAME_US);
    expect([playout.paused, playout.stands]).toEqual([true, true]);
    playout.play(10 * FRAME_US);
    expect(reader.at(11 * FRAME_US)?.picture.frameIndex).toBe(3);
    expect(playout.lateFrames).toBe(0);
  });

  it('begins at the first frame when the revision that was to be replaced never played', () => {
    const { playout, reader, put } = setUp();
    reader.at(0);
    reader.at(6 * FRAME_US);
    playout.switchInPlace({ revision: 2, of: 1, firstFrame: 0, frames: 4 });
    put(0, 'draft', 2);
    expect(reader.at(7 * FRAME_US)?.picture).toMatchObject({ revision: 2, frameIndex: 0 });
  });
});
