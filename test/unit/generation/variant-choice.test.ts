import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterSlice,
  chooseVariant,
  chooseWhenIdle,
  mayBeUpgraded,
  mayGoFirst,
  NO_HISTORY,
  type VariantFacts,
  type VariantHistory,
} from '../../../src/generation/engine/variant-choice.ts';

/** A slice that begins in a second, on a machine that holds full: 140 + 300 ms of 667. */
const facts = (change: Partial<VariantFacts> = {}): VariantFacts => ({
  untilSeenMs: 1000,
  untilOverMs: 1667,
  costMs: { full: 300, fast: 80 },
  hasFast: true,
  belowMs: 140,
  draftMs: 40,
  sliceMs: 667,
  nextWaits: true,
  isFirst: false,
  ...change,
});
const choose = (change: Partial<VariantFacts>, history = NO_HISTORY) => chooseVariant(facts(change), history);
const after = (...variants: ('full' | 'fast')[]) => variants.reduce(afterSlice, NO_HISTORY);
const times = (count: number, variant: 'full' | 'fast') => Array.from({ length: count }, () => variant);

describe('chooseVariant', () => {
  it.each([
    ['there is time for full', {}, 'full'],
    ['full would not be ready before the slice is seen', { untilSeenMs: 350, untilOverMs: 1017 }, 'fast'],
    ['full would leave the next slice no time', { untilSeenMs: 500, belowMs: 600 }, 'fast'],
    ['full is more than the machine makes in a slice', { costMs: { full: 600, fast: 80 } }, 'fast'],
    ['full was never made', { costMs: { full: undefined, fast: 80 } }, 'fast'],
    ['nothing was ever made', { costMs: { full: undefined, fast: undefined } }, 'fast'],
    ['even fast would come after the slice', { untilSeenMs: -600, untilOverMs: 67 }, undefined],
    ['the slice is on screen: the soonest', { untilSeenMs: -100, untilOverMs: 567, isFirst: true }, 'fast'],
    [
      'full is quick even for one on screen',
      { untilSeenMs: -10, untilOverMs: 657, costMs: { full: 100, fast: 30 } },
      'full',
    ],
    ['the picture stands', { untilSeenMs: -100, untilOverMs: Infinity, costMs: { full: 900, fast: 80 } }, 'full'],
  ] as const)('where %s', (_, change, expected) => {
    expect(choose(change)).toBe(expected);
  });

  it('gives up a slice that is late for the next one, which is not yet', () => {
    const late = { untilSeenMs: -300, untilOverMs: 367, costMs: { full: 600, fast: 150 } };
    expect(choose(late)).toBeUndefined();
    expect(choose({ ...late, nextWaits: false })).toBe('fast');
    expect(choose({ ...late, untilSeenMs: -10, untilOverMs: 657 })).toBe('fast');
  });

  it('gives up none while the revision has had no sharp picture', () => {
    expect(choose({ untilSeenMs: -300, untilOverMs: 367, costMs: { full: 600, fast: 150 }, isFirst: true })).toBe(
      'fast',
    );
  });

  it('is as it was for a generator that has one way alone', () => {
    expect(choose({ hasFast: false, untilSeenMs: -300, untilOverMs: 367 })).toBe('full');
    expect(choose({ hasFast: false, untilSeenMs: -400, untilOverMs: 267 })).toBeUndefined();
    expect(choose({ hasFast: false, costMs: { full: undefined, fast: undefined } })).toBe('full');
  });

  it('stays fast for some slices, and then returns only where full holds by a margin', () => {
    expect(choose({}, after('fast'))).toBe('fast');
    expect(choose({}, after(...times(4, 'fast')))).toBe('full');
    expect(choose({ costMs: { full: 450, fast: 80 } }, after(...times(4, 'fast')))).toBe('fast');
    expect(choose({ costMs: { full: 450, fast: 80 } }, after('full'))).toBe('full');
  });

  it('waits longer each time full did not last, up to a limit, and forgets that once it has', () => {
    let history = after('full', 'fast');
    const holds: number[] = [];
    for (let fall = 0; fall < 6; fall++) {
      holds.push(history.hold);
      history = [...times(history.hold, 'fast'), 'full' as const, 'fast' as const].reduce(afterSlice, history);
    }
    expect(holds).toEqual([8, 16, 32, 64, 64, 64]);
    expect([...times(24, 'full'), 'fast' as const].reduce(afterSlice, history).hold).toBe(4);
  });

  it('never skips what the fast way would show in time, and never takes full where it would be late', () => {
    const ms = fc.double({ min: 1, max: 2000, noNaN: true });
    const history = fc.record<VariantHistory>({
      last: fc.constantFrom('full', 'fast', undefined),
      slices: fc.nat(100),
      hold: fc.constantFrom(4, 8, 16, 32, 64),
    });
    fc.assert(
      fc.property(fc.record({ lead: ms, fast: ms, more: ms, below: ms, history }), (given) => {
        const costMs = { full: given.fast + given.more, fast: given.fast };
        const slice = { untilSeenMs: given.lead, untilOverMs: given.lead + 667, costMs, belowMs: given.below };
        const variant = choose(slice, given.history);
        if (given.fast <= given.lead) expect(['full', 'fast']).toContain(variant);
        if (variant === 'full') expect(costMs.full).toBeLessThanOrEqual(given.lead);
      }),
    );
  });
});

describe('chooseWhenIdle', () => {
  it('tries what is not expected in time, within reason', () => {
    const slow = facts({ untilSeenMs: 300, untilOverMs: 967, costMs: { full: 4000, fast: 1200 } });
    expect(chooseVariant(slow, NO_HISTORY)).toBeUndefined();
    expect(chooseWhenIdle(slow)).toBe('fast');
    expect(chooseWhenIdle({ ...slow, untilOverMs: 500 })).toBeUndefined();
    expect(chooseWhenIdle({ ...slow, hasFast: false })).toBeUndefined();
  });
});

describe('mayGoFirst', () => {
  it('leaves time for what the next slice is continued from, or for its draft where nothing was sharp yet', () => {
    const slice = facts({ untilSeenMs: -367, untilOverMs: 300, costMs: { full: 900, fast: 100 } });
    expect(mayGoFirst(slice, 'fast')).toBe(true);
    expect(mayGoFirst({ ...slice, belowMs: 150 }, 'fast')).toBe(false);
    expect(mayGoFirst({ ...slice, belowMs: 150, isFirst: true }, 'fast')).toBe(true);
    expect(mayGoFirst({ ...slice, draftMs: 150, isFirst: true }, 'fast')).toBe(false);
    expect(mayGoFirst({ ...slice, hasFast: false }, 'full')).toBe(false);
  });
});

describe('mayBeUpgraded', () => {
  it('makes no full slice among fast ones, but for a picture that stands', () => {
    expect(mayBeUpgraded(facts(), NO_HISTORY)).toBe(true);
    expect(mayBeUpgraded(facts(), after('full'))).toBe(true);
    expect(mayBeUpgraded(facts(), after(...times(9, 'fast')))).toBe(false);
    const stands = facts({ untilSeenMs: -100, untilOverMs: Infinity });
    expect(mayBeUpgraded(stands, after(...times(9, 'fast')))).toBe(true);
    expect(mayBeUpgraded(facts({ hasFast: false }), NO_HISTORY)).toBe(false);
  });
});
