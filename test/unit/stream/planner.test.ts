import { describe, expect, it } from 'vitest';
import type { Grade } from '../../../src/generation/grades.ts';
import type { Tier } from '../../../src/picture/tiers.ts';
import { LIVE_SLICES_AHEAD, planNext, type PlanInput } from '../../../src/stream/timeline/planner.ts';

const TIERS = ['draft', 'base', 'refined'] as const;

interface OrderOptions {
  sliceCount?: number;
  playhead?: number;
  cap?: Tier;
  draftsFirst?: boolean;
}

/** Computes everything the plan asks for and returns the order, as `slice:tier`. */
function order({ sliceCount, playhead = 0, cap = 'refined', draftsFirst }: OrderOptions) {
  const done = new Map<number, Tier>();
  const steps: string[] = [];
  for (let i = 0; i < 100; i++) {
    const work = planNext({
      gradeOf: (slice) => done.get(slice),
      playheadSlice: playhead,
      sliceCount,
      tiers: TIERS,
      tierCap: cap,
      ...(draftsFirst === undefined ? {} : { draftsFirst }),
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

  it('clip whose drafts continue from finished slices: slice after slice, then refinement', () => {
    expect(order({ sliceCount: 2, draftsFirst: false })).toEqual([
      '0:draft',
      '0:base',
      '1:draft',
      '1:base',
      '0:refined',
      '1:refined',
    ]);
  });

  it('makes no tier above the cap', () => {
    expect(order({ sliceCount: 2, cap: 'draft' })).toEqual(['0:draft', '1:draft']);
    expect(order({ cap: 'base' }).some((step) => step.endsWith('refined'))).toBe(false);
  });

  it('ranks the first picture before everything, polish after what the playhead needs', () => {
    const ask = (tiers: Record<number, Tier>) =>
      planNext({
        gradeOf: (slice) => tiers[slice],
        playheadSlice: 0,
        sliceCount: undefined,
        tiers: TIERS,
        tierCap: 'refined',
      });
    expect(ask({})).toMatchObject({ rank: 0 });
    expect(ask({ 0: 'draft' })).toMatchObject({ rank: 1 });
    expect(ask({ 0: 'refined', 1: 'base', 2: 'base' })).toMatchObject({ slice: 1, tier: 'refined', rank: 2 });
  });

  describe('with a fast way to refine', () => {
    const ask = (grades: Record<number, Grade>, more: Partial<PlanInput> = {}) =>
      planNext({
        gradeOf: (slice) => grades[slice],
        playheadSlice: 0,
        sliceCount: undefined,
        tiers: TIERS,
        tierCap: 'refined',
        ...more,
      });
    const based = { 0: 'base', 1: 'base', 2: 'base' } as const;
    const fast = { 0: 'refined-fast', 1: 'refined-fast', 2: 'refined-fast' } as const;

    it('polishes the way there is time for, and leaves out a slice for which there is none', () => {
      expect(ask(based, { variantFor: () => 'fast' })).toMatchObject({ slice: 0, tier: 'refined', variant: 'fast' });
      const variantFor = (slice: number) => (slice === 0 ? undefined : ('fast' as const));
      expect(ask(based, { variantFor })).toMatchObject({ slice: 1, tier: 'refined', variant: 'fast' });
    });

    it('tries what is not expected in time where there is nothing else to do, slices ahead first', () => {
      const late = { variantFor: () => undefined, whenIdle: () => 'fast' as const };
      expect(ask(based, late)).toEqual({ slice: 1, tier: 'refined', variant: 'fast', rank: 2 });
      expect(ask({ ...fast, 0: 'base' }, late)).toMatchObject({ slice: 0, rank: 1 });
      expect(ask({ 0: 'base', 1: 'base' }, late)).toMatchObject({ slice: 2, tier: 'draft' });
      expect(ask(based, { variantFor: () => undefined })).toBeUndefined();
    });

    it('makes in full what was made fast once all else is there, if there is time', () => {
      expect(ask(fast)).toEqual({ slice: 0, tier: 'refined', variant: 'full', rank: 2 });
      expect(ask(fast, { mayUpgrade: (slice) => slice === 2 })).toMatchObject({ slice: 2, variant: 'full' });
      expect(ask(fast, { mayUpgrade: () => false })).toBeUndefined();
      expect(ask({ ...fast, 2: 'base' })).toMatchObject({ slice: 2, tier: 'refined' });
      expect(ask(fast, { tierCap: 'base' })).toBeUndefined();
    });

    it('builds no higher tier on what was made fast', () => {
      const tiers = [...TIERS, 'upscaled'] as const;
      expect(ask(fast, { tiers, tierCap: 'upscaled' })).toMatchObject({ slice: 0, tier: 'refined', variant: 'full' });
    });

    it('leaves out drafts of slices ahead in a hurry, not of the one on screen', () => {
      expect(ask({}, { skipsDraft: () => true })).toMatchObject({ slice: 0, tier: 'draft' });
      expect(ask({ 0: 'base' }, { skipsDraft: () => true })).toMatchObject({ slice: 1, tier: 'base' });
      expect(ask({ 0: 'base' }, { skipsDraft: () => true, tierCap: 'draft' })).toMatchObject({
        slice: 1,
        tier: 'draft',
      });
    });

    it('makes a clip in full, whatever was made of it before', () => {
      const clip = { sliceCount: 3, variantFor: () => 'fast' as const, mayUpgrade: () => false };
      expect(ask(based, clip)).toMatchObject({ slice: 0, tier: 'refined', variant: 'full' });
      expect(ask(fast, { ...clip, playheadSlice: 1 })).toMatchObject({ slice: 1, tier: 'refined', variant: 'full' });
    });
  });
});
