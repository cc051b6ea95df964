import { describe, expect, it } from 'vitest';
import { StripModel } from '../../../client-demo/strip-model.ts';
import type { PlayingEvent, Tier, TierEvent } from '../../../src/client/index.ts';

const SLICE_MS = 600;

const made = (revision: number, slice: number, tier: Tier): TierEvent => ({
  type: 'tier',
  revision,
  slice,
  tier,
  startMs: slice * SLICE_MS,
  durationMs: SLICE_MS,
  computeMs: 10,
  widthPx: 32,
  heightPx: 32,
});

const playing = (revision: number, slice: number): PlayingEvent => ({
  type: 'playing',
  revision,
  slice,
  tier: 'draft',
  rtpTimestamp: 0,
  widthPx: 32,
  heightPx: 32,
});

const look = (model: StripModel) => model.cells.map(({ revision, slice, tier }) => `${revision}.${slice} ${tier}`);

describe('StripModel', () => {
  it('refines a cell in place and never roughens it', () => {
    const model = new StripModel();
    model.addTier(made(1, 0, 'draft'), 0);
    model.addTier(made(1, 1, 'draft'), 1);
    model.addTier(made(1, 0, 'refined'), 2);
    model.addTier(made(1, 0, 'base'), 3);
    expect(look(model)).toEqual(['1.0 refined', '1.1 draft']);
  });

  it('knows which slices came out of a cache', () => {
    const model = new StripModel();
    model.addTier({ ...made(1, 0, 'base'), cached: 'latent' }, 0);
    model.addTier({ ...made(1, 1, 'refined'), cached: 'segment' }, 1);
    model.addTier(made(1, 0, 'refined'), 2);
    expect(model.cells.map(({ cached }) => cached)).toEqual([undefined, 'segment']);
  });

  it('moves the playhead with the frames, and through the gap between two', () => {
    const model = new StripModel();
    model.addTier(made(1, 0, 'draft'), 0);
    model.present(playing(1, 0), 5000, 100);
    model.present(playing(1, 0), 5000 + 90 * 80, 180);
    expect(model.playheadMs(180)).toBe(80);
    expect(model.playheadMs(210)).toBe(110);
    expect(model.playheadMs(5000)).toBe(380);
    model.paused = true;
    expect(model.playheadMs(210)).toBe(80);
  });

  it('drops what lies ahead of the playhead when a new revision begins, and goes on from there', () => {
    const model = new StripModel();
    for (const slice of [0, 1, 2]) model.addTier(made(1, slice, 'base'), 0);
    model.present(playing(1, 0), 0, 100);
    model.present(playing(1, 1), 90 * SLICE_MS, 700);
    model.addTier(made(2, 0, 'draft'), 800);
    expect(look(model)).toEqual(['1.0 base', '1.1 base', '2.0 draft']);
    expect(model.cells[2]).toMatchObject({ startMs: 700 });
    model.present(playing(2, 0), 90 * 900, 900);
    expect(model.cells[2]).toMatchObject({ startMs: 800 });
    expect(model.playheadMs(900)).toBe(800);
    model.addTier(made(1, 2, 'refined'), 1000);
    expect(model.cells).toHaveLength(3);
  });

  it('shows a whole clip, empties it for a new revision and loops', () => {
    const model = new StripModel();
    model.reset(2 * SLICE_MS);
    model.addTier(made(1, 0, 'draft'), 0);
    model.addTier(made(1, 1, 'draft'), 0);
    model.present(playing(1, 1), 0, 100);
    expect(model.playheadMs(100)).toBe(SLICE_MS);
    model.jump(2 * SLICE_MS - 50, 200);
    expect(model.playheadMs(300)).toBe(50);
    model.addTier(made(2, 0, 'draft'), 300);
    expect(look(model)).toEqual(['2.0 draft']);
  });

  it('forgets what has scrolled away', () => {
    const model = new StripModel();
    for (let slice = 0; slice < 400; slice++) {
      model.addTier(made(1, slice, 'draft'), slice * SLICE_MS);
      model.present(playing(1, slice), slice * SLICE_MS * 90, slice * SLICE_MS);
    }
    expect(model.cells.length).toBeLessThan(110);
  });
});
