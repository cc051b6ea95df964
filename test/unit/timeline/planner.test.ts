import { describe, expect, it } from 'vitest';
import type { Tier } from '../../../src/generation/tiers.ts';
import { LIVE_SLICES_AHEAD, planNext } from '../../../src/timeline/planner.ts';

const TIERS = ['draft', 'base', 'refined'] as const;

/** Computes everything the plan asks for and returns the order, as `slice:tier`. */
function order({ sliceCount, playhead = 0, cap = 'refined' }: { sliceCount?: number; playhead?: number; cap?: Tier }) {
  const done = new Map<number, Tier>();
  const steps: string[] = [];
  for (let i = 0; i < 100; i++) {
    const work = planNext({
      tierOf: (slice) => done.get(slice),
      playheadSlice: playhead,
      sliceCount,
      tiers: TIERS,
      tierCap: cap,
    });
    if (!work) return steps;
    done.set(work.slice, work.tier);
    steps.push(`${work.slice}:${work.tier}`);
  }
  throw new Error('the plan never ends');
}

describe('planner', () => {
  it('live: shows a draft first, has the next slice before it polishes this one, and stops a little ahead', () => {
    expect(order({ playhead: 7 })).toEqual([
      '7:draft',
      '7:base',
      '8:draft',
      '8:base',
      '7:refined',
      '9:draft',
      '9:base',
      '8:refined',
      '9:refined',
    ]);
    expect(LIVE_SLICES_AHEAD).toBe(2);
  });

  it('clip: drafts of all slices, then the base pass, then refinement from the playhead round', () => {
    expect(order({ sliceCount: 3, playhead: 1 })).toEqual([
      '0:draft',
      '1:draft',
      '2:draft',
      '0:base',
      '1:base',
      '2:base',
      '1:refined',
      '2:refined',
      '0:refined',
    ]);
  });

  it('makes no tier above the cap', () => {
    expect(order({ sliceCount: 2, cap: 'draft' })).toEqual(['0:draft', '1:draft']);
    expect(order({ cap: 'base' }).some((step) => step.endsWith('refined'))).toBe(false);
  });

  it('ranks the first picture before everything, polish after what the playhead needs', () => {
    const ask = (tiers: Record<number, Tier>) =>
      planNext({
        tierOf: (slice) => tiers[slice],
        playheadSlice: 0,
        sliceCount: undefined,
        tiers: TIERS,
        tierCap: 'refined',
      });
    expect(ask({})).toMatchObject({ rank: 0 });
    expect(ask({ 0: 'draft' })).toMatchObject({ rank: 1 });
    expect(ask({ 0: 'refined', 1: 'base', 2: 'base' })).toMatchObject({ slice: 1, tier: 'refined', rank: 2 });
  });
});
