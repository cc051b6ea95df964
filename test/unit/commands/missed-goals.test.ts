import { describe, expect, it } from 'vitest';
import { missedGoals } from '../../../src/commands/missed-goals.ts';

describe('goals that a bench missed', () => {
  it('are found wherever a report has them, and named', () => {
    const report = {
      suite: 'link',
      goals: [
        { case: 'loss-5', goal: 'freezes at most 1', measured: '3', met: false },
        { goal: 'queue at most 20 ms', met: true },
      ],
      figures: [{ name: 'a STUN flood', limit: 3, value: 4, met: false }],
      estimator: { met: false },
      machine: { cpu: 'x' },
    };
    expect(missedGoals(report)).toEqual(['loss-5 freezes at most 1', 'a STUN flood', 'estimator']);
    expect(missedGoals({ suite: 'encode', figures: [{ p50: 1 }] })).toEqual([]);
  });
});
