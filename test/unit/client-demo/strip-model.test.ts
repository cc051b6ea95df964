import { describe, expect, it } from 'vitest';
import { StripModel } from '../../../client-demo/strip-model.ts';
import type { Accepted, PlayingEvent, Tier, TierEvent } from '../../../src/client/index.ts';

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

  it('knows which slices were made fast, until they are made in full', () => {
    const model = new StripModel();
    model.addTier({ ...made(1, 0, 'refined'), variant: 'fast' }, 0);
    model.addTier({ ...made(1, 1, 'refined'), variant: 'fast' }, 1);
    model.addTier(made(1, 0, 'refined'), 2);
    model.addTier({ ...made(1, 0, 'refined'), variant: 'fast' }, 3);
    expect(model.cells.map(({ tier, variant, reachedAtMs }) => [tier, variant, reachedAtMs])).toEqual([
      ['refined', 'full', 2],
      ['refined', 'fast', 1],
    ]);
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

  const accepted = (revision: number, change: Partial<Accepted>): Accepted => ({
    type: 'accepted',
    revision,
    queuePosition: 0,
    seed: 1,
    prompt: 'a',
    ...change,
  });
  /** A slice and a half have played. */
  const halfWay = (): StripModel => {
    const model = new StripModel();
    for (let slice = 0; slice < 4; slice++) model.addTier(made(1, slice, 'base'), 0);
    model.present(playing(1, 1), 0, 100);
    model.present(playing(1, 1), 90 * 300, 400);
    return model;
  };
  const startsOf = (model: StripModel) => model.cells.map(({ revision, slice, startMs }) => [revision, slice, startMs]);

  it.each(['before', 'after'])(
    'puts a bent slice in the place of the one on screen, its word %s its picture',
    (when) => {
      const model = halfWay();
      const bent = accepted(2, { running: 'bent' });
      if (when === 'before') model.accept(bent);
      model.addTier(made(2, 0, 'draft'), 400);
      if (when === 'after') model.accept(bent);
      model.addTier(made(2, 1, 'draft'), 410);
      expect(startsOf(model)).toEqual([
        [1, 0, 0],
        [2, 0, SLICE_MS],
        [2, 1, 2 * SLICE_MS],
      ]);
      model.present({ ...playing(2, 0), offsetMs: 300 }, 90 * 400, 410);
      expect(model.playheadMs(410)).toBe(SLICE_MS + 300);
      model.present({ ...playing(2, 0), offsetMs: 300 }, 90 * 500, 510);
      expect(model.playheadMs(510)).toBe(SLICE_MS + 400);
    },
  );

  it('says which stretch of the strip has which prompt, once there is more than one', () => {
    const model = halfWay();
    model.accept(accepted(1, { prompt: 'the sea' }));
    expect(model.promptRuns).toEqual([]);
    model.accept(
      accepted(2, {
        running: 'bent',
        prompts: [
          { prompt: 'a city', fromSlice: 0, travelSlices: 2 },
          { prompt: 'snow', fromSlice: 2, travelSlices: 1 },
        ],
      }),
    );
    for (let slice = 0; slice < 4; slice++) model.addTier(made(2, slice, 'draft'), 400);
    expect(model.promptRuns).toEqual([
      { prompt: 'the sea', startMs: 0, endMs: SLICE_MS },
      { prompt: 'a city', startMs: SLICE_MS, endMs: 3 * SLICE_MS },
      { prompt: 'snow', startMs: 3 * SLICE_MS, endMs: 5 * SLICE_MS },
    ]);
  });
});
