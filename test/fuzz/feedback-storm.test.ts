/** Whatever arrives as feedback: nothing throws, the target keeps its bounds, and what tells nothing counts as refused. */
import { describe, expect, it } from 'vitest';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import { TwccReader } from '../../src/congestion/feedback/twcc.ts';
import { encodeTwcc } from '../../bench/support/wire/twcc-encoder.ts';
import { FAULTS, FeedbackStorm } from './feedback-storm.ts';

describe('The estimator in a storm of bad feedback', () => {
  // `npm run fuzz -- --parser feedback` throws a million.
  it.each([1, 2, 3, 4])('stays in its bounds and still takes what is good, seed %i', (seed) => {
    const storm = new FeedbackStorm(seed);
    for (let step = 0; step < 15_000; step++) storm.step();
    expect([...storm.faults.keys()].toSorted()).toEqual([...FAULTS].toSorted());
    expect(storm.fates.refused).toBeGreaterThan(3_000);
    expect(storm.fates.taken).toBeGreaterThan(3_000);
  });

  it('makes the same decisions of the same storm', () => {
    const decisions = (): string => {
      const storm = new FeedbackStorm(7);
      const snapshots = Array.from({ length: 3_000 }, () => {
        storm.step();
        return storm.estimator.snapshot;
      });
      return JSON.stringify(snapshots);
    };
    expect(decisions()).toBe(decisions());
  });

  it('counts as news only what it did not know: sent, and not told before', () => {
    const estimator = new GlimpseEstimator();
    for (let sequence = 0; sequence < 4; sequence++)
      estimator.onPacketSent({ sequence, sizeBytes: 1_000, sentAtUs: sequence * 1_000, kind: 'delta' });
    const told = (...sequences: number[]): number => {
      const fci = encodeTwcc(sequences.map((sequence) => ({ sequence, arrivedAtUs: 50_000 + sequence * 1_000 })));
      const feedback = new TwccReader().read(fci, 3);
      return feedback ? estimator.onFeedback(feedback, 100_000) : 0;
    };
    expect(told(0, 1)).toBe(2);
    expect(told(0, 1)).toBe(0);
    expect(told(1, 2, 3)).toBe(2);
    // It tells of packets that were never sent: nothing of it is believed.
    expect(told(2, 3, 4, 5)).toBe(0);
    expect(told(4, 5)).toBe(0);
    expect(estimator.snapshot.targetBps).toBeGreaterThan(0);
  });
});
