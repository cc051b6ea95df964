import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  chooseBatchSize,
  choosePack,
  chooseThreads,
  chooseTierCap,
  liveShare,
  type SlicePlan,
  type StageTimes,
  threadCandidates,
  gradeCosts,
} from '../../../src/generation/onnx/pack/calibration.ts';
import { TIERS, tierRank } from '../../../src/picture/tiers.ts';

/** Two thirds of a second a slice. */
const PLAN: SlicePlan = { steps: 4, frames: 8, fps: 12, tiers: TIERS };
const times = (change: Partial<StageTimes> = {}): StageTimes => ({
  stepMs: 10,
  decodeMs: 1,
  refineMs: 100,
  fastRefineMs: null,
  upscaleMs: 200,
  ...change,
});

describe('liveShare', () => {
  it('is what a second of video costs up to a tier, in cores', () => {
    expect(liveShare(times(), PLAN, 'draft')).toBeCloseTo(11 / (2000 / 3));
    expect(liveShare(times(), PLAN, 'base')).toBeCloseTo(42 / (2000 / 3));
    expect(liveShare(times(), PLAN, 'refined')).toBeCloseTo(142 / (2000 / 3));
    expect(liveShare(times(), PLAN, 'upscaled')).toBeCloseTo(342 / (2000 / 3));
  });

  it('counts the fast way where there is one, and the full one on the way to a tier above', () => {
    const fast = times({ fastRefineMs: 30 });
    expect(liveShare(fast, PLAN, 'refined')).toBeCloseTo(72 / (2000 / 3));
    expect(liveShare(fast, PLAN, 'refined', 'full')).toBeCloseTo(142 / (2000 / 3));
    expect(liveShare(fast, PLAN, 'upscaled')).toBeCloseTo(342 / (2000 / 3));
  });

  it('is unknown for a tier that the pack does not make', () => {
    expect(liveShare(times(), { ...PLAN, tiers: ['draft', 'base'] }, 'refined')).toBeNaN();
  });
});

describe('gradeCosts', () => {
  it('is what each tier adds, of those that the pack makes', () => {
    expect(gradeCosts(times(), { ...PLAN, tiers: ['draft', 'base', 'refined'] })).toEqual([
      { grade: 'draft', ms: 11 },
      { grade: 'base', ms: 31 },
      { grade: 'refined', ms: 100 },
    ]);
  });
});

describe('chooseTierCap', () => {
  it.each([
    ['a fast machine', {}, 'upscaled'],
    ['one too slow to upscale', { upscaleMs: 400 }, 'refined'],
    ['one too slow to refine', { refineMs: 500 }, 'base'],
    ['one too slow to refine but for the fast refiner', { refineMs: 500, fastRefineMs: 100 }, 'refined'],
    ['one too slow for the fast refiner too', { refineMs: 900, fastRefineMs: 450 }, 'base'],
    ['one too slow for all', { stepMs: 900 }, 'draft'],
  ] as const)('on %s', (_, change, expected) => {
    expect(chooseTierCap(times(change), PLAN)).toBe(expected);
  });

  it('names a tier that the pack makes', () => {
    expect(chooseTierCap(times({ upscaleMs: null }), { ...PLAN, tiers: ['draft', 'base', 'refined'] })).toBe('refined');
  });

  it('never rises when anything gets slower', () => {
    const ms = fc.double({ min: 0.1, max: 800, noNaN: true });
    const stages = fc.record({
      stepMs: ms,
      decodeMs: ms,
      refineMs: ms,
      fastRefineMs: fc.constant(null),
      upscaleMs: ms,
    });
    fc.assert(
      fc.property(stages, fc.constantFrom('stepMs', 'decodeMs', 'refineMs', 'upscaleMs'), ms, (before, stage, more) => {
        const after = { ...before, [stage]: before[stage] + more };
        expect(tierRank(chooseTierCap(after, PLAN))).toBeLessThanOrEqual(tierRank(chooseTierCap(before, PLAN)));
      }),
    );
  });
});

describe('chooseBatchSize', () => {
  const sizes = (...ms: number[]) => ms.map((msPerSlice, index) => ({ size: 2 ** index, msPerSlice }));

  it('takes the batch that saves', () => {
    expect(chooseBatchSize(sizes(12, 8, 6))).toBe(4);
  });

  it('takes none that does not', () => {
    expect(chooseBatchSize(sizes(12, 11.5, 12))).toBe(1);
  });

  it('does not make a newcomer wait long for a step', () => {
    expect(chooseBatchSize(sizes(40, 25, 18))).toBe(2);
  });
});

describe('chooseThreads', () => {
  it('doubles as long as it is worth it', () => {
    const scaling = (...ms: number[]) => chooseThreads(ms.map((value, index) => ({ threads: 2 ** index, ms: value })));
    expect(scaling(20, 11, 7)).toBe(4);
    expect(scaling(20, 11, 10)).toBe(2);
    expect(scaling(20, 18, 5)).toBe(1);
  });

  it('leaves half of the cores alone', () => {
    expect(threadCandidates(1)).toEqual([1]);
    expect(threadCandidates(2)).toEqual([1]);
    expect(threadCandidates(8)).toEqual([1, 2, 4]);
  });
});

describe('choosePack', () => {
  const pack = (name: string, tierCap: Calibration['tierCap']) => ({ name, calibration: { tierCap } });

  it('keeps the best pictures where they hold live', () => {
    expect(choosePack([pack('large', 'refined'), pack('small', 'upscaled')])?.name).toBe('large');
  });

  it('falls back to the pack that holds', () => {
    expect(choosePack([pack('large', 'base'), pack('small', 'refined')])?.name).toBe('small');
  });

  it('takes what comes furthest where none holds, the better of equals', () => {
    expect(choosePack([pack('large', 'draft'), pack('small', 'base')])?.name).toBe('small');
    expect(choosePack([pack('large', 'draft'), pack('small', 'draft')])?.name).toBe('large');
    expect(choosePack([])).toBeUndefined();
  });
});
