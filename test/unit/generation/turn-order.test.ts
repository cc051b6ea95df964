import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairShare } from '../../../src/generation/engine/fair-share.ts';
import {
  AGEING_STEP_US,
  nextBatch,
  RANKS,
  SHARE_SLACK_MS,
  type Rank,
  type WaitingTurn,
} from '../../../src/generation/engine/turn-order.ts';

let order = 0;
const turn = (over: Partial<WaitingTurn> & { name?: string }): WaitingTurn & { name?: string } => ({
  kind: 'denoiser',
  rank: RANKS.playhead,
  deadlineUs: 0,
  costMs: 0,
  servedMs: 0,
  waitingSinceUs: 0,
  order: order++,
  ...over,
});

/** Names of the turns in the order they would run, one at a time. */
function sequence(turns: ReturnType<typeof turn>[], nowUs = 0): (string | undefined)[] {
  let left = turns;
  const names: (string | undefined)[] = [];
  while (left.length > 0) {
    const [next] = nextBatch(left, nowUs, () => 1);
    names.push(next?.name);
    left = left.filter((waiting) => waiting !== next);
  }
  return names;
}

describe('turn order', () => {
  it('first pictures, then what the playhead needs, then polish, background last', () => {
    const turns = [
      turn({ name: 'export', rank: RANKS.background }),
      turn({ name: 'polish', rank: RANKS.polish }),
      turn({ name: 'playhead', rank: RANKS.playhead, deadlineUs: 9e6 }),
      turn({ name: 'blank', rank: RANKS.firstPicture, deadlineUs: 9e6 }),
    ];
    expect(sequence(turns)).toEqual(['blank', 'playhead', 'polish', 'export']);
  });

  it('within a rank what is due soonest, and of equals the first come', () => {
    const turns = [
      turn({ name: 'later', deadlineUs: 2e6 }),
      turn({ name: 'sooner', deadlineUs: 1e6 }),
      turn({ name: 'twin', deadlineUs: 1e6 }),
    ];
    expect(sequence(turns)).toEqual(['sooner', 'twin', 'later']);
  });

  it('light work before heavy work that is due at the same time, but not before what is due much sooner', () => {
    const heavy = turn({ name: 'heavy', costMs: 500 });
    expect(sequence([heavy, turn({ name: 'light', costMs: 20 })])).toEqual(['light', 'heavy']);
    expect(sequence([heavy, turn({ name: 'light', costMs: 20, deadlineUs: 900_000 })])).toEqual(['heavy', 'light']);
  });

  it('a user ahead of his share after one who is not, whatever their deadlines', () => {
    const greedy = turn({ name: 'greedy', deadlineUs: 0, servedMs: 1000 + SHARE_SLACK_MS + 1 });
    const modest = turn({ name: 'modest', deadlineUs: 5e6, servedMs: 1000 });
    expect(sequence([greedy, modest])).toEqual(['modest', 'greedy']);
    expect(sequence([{ ...greedy, servedMs: 1000 + SHARE_SLACK_MS }, modest])).toEqual(['greedy', 'modest']);
  });

  it('ages a turn one rank for each second it waits', () => {
    const old = turn({ name: 'export', rank: RANKS.background, waitingSinceUs: 0, deadlineUs: 9e9 });
    const fresh = (nowUs: number) => turn({ name: 'blank', rank: RANKS.firstPicture, waitingSinceUs: nowUs });
    const before = 3 * AGEING_STEP_US;
    const after = 4 * AGEING_STEP_US;
    expect(sequence([old, fresh(before)], before)).toEqual(['blank', 'export']);
    expect(sequence([old, fresh(after)], after)).toEqual(['export', 'blank']);
  });

  it('joins turns of one kind and rank up to the batch size, most urgent first', () => {
    const turns = [
      turn({ name: 'a', deadlineUs: 3 }),
      turn({ name: 'b', deadlineUs: 1 }),
      turn({ name: 'other', kind: 'decoder', deadlineUs: 2 }),
      turn({ name: 'polish', rank: RANKS.polish }),
      turn({ name: 'c', deadlineUs: 4 }),
    ];
    const names = (size: number) => nextBatch(turns, 0, () => size).map((next) => (next as { name?: string }).name);
    expect(names(1)).toEqual(['b']);
    expect(names(2)).toEqual(['b', 'a']);
    expect(names(9)).toEqual(['b', 'a', 'c']);
  });

  it('starves no one: whoever asks rank + 1 ageing steps later runs later, whatever keeps coming', () => {
    const rank = fc.constantFrom<Rank>(0, 1, 2, 3);
    const newcomer = fc.record({ rank, deadlineUs: fc.nat(5e6), costMs: fc.nat(500), servedMs: fc.nat(5e3) });
    const arrivals = fc.array(newcomer, { minLength: 20, maxLength: 120 });
    fc.assert(
      fc.property(rank, arrivals, fc.integer({ min: 60_000, max: 400_000 }), (waitingRank, newcomers, stepUs) => {
        const victim = turn({ rank: waitingRank, deadlineUs: 1e12, costMs: 1e4, servedMs: 1e6 });
        let waiting = [victim];
        // Two newcomers for every turn that can be given: hopeless overload.
        for (let step = 0; ; step++) {
          const nowUs = step * stepUs;
          for (let i = 0; i < 2; i++)
            waiting.push(turn({ ...newcomers[(step * 2 + i) % newcomers.length], waitingSinceUs: nowUs }));
          const [next] = nextBatch(waiting, nowUs, () => 1);
          waiting = waiting.filter((other) => other !== next);
          if (next === victim) return;
          expect(next?.waitingSinceUs).toBeLessThan((waitingRank + 1) * AGEING_STEP_US);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('fair share', () => {
  it('gives users compute time in the ratio of their weights, when both always want more', () => {
    const share = new FairShare();
    const weights = { light: 1, heavy: 3 };
    const had = { light: 0, heavy: 0 };
    for (let i = 0; i < 400; i++) {
      const users = ['light', 'heavy'] as const;
      const turns = users.map((name) => ({ ...turn({ servedMs: share.servedMs(name) }), name }));
      share.advance(Math.min(...turns.map(({ servedMs }) => servedMs)));
      // The light one's deadlines are always sooner, and still he gets no more than his part.
      for (const one of turns) one.deadlineUs = one.name === 'light' ? 0 : 1e6;
      const [next] = nextBatch(turns, 0, () => 1);
      if (!next) return;
      had[next.name] += 10;
      share.charge(next.name, 10, weights[next.name]);
    }
    expect(had.heavy / had.light).toBeGreaterThan(2.2);
    expect(had.heavy / had.light).toBeLessThan(3.2);
  });

  it('saves nothing up for a user who rests', () => {
    const share = new FairShare();
    for (let i = 0; i < 100; i++) {
      share.charge('busy', 10, 1);
      share.advance(share.servedMs('busy'));
    }
    expect(share.servedMs('newcomer')).toBe(1000);
  });
});
