import { describe, expect, it } from 'vitest';
import { WorkCosts } from '../../../src/generation/work-costs.ts';

describe('what work costs', () => {
  it('is what calibration expects, tier by tier, until that tier is measured', () => {
    const costs = new WorkCosts();
    expect(costs.tierMs('draft')).toBeUndefined();
    costs.expectTier('draft', 10);
    costs.expectTier('base', 30);
    expect([costs.sliceMs('draft'), costs.sliceMs('base'), costs.sliceMs('refined')]).toEqual([10, 40, 40]);
    costs.observeTier('base', 50);
    costs.expectTier('base', 20);
    expect([costs.tierMs('base'), costs.sliceMs('base')]).toEqual([50, 60]);
  });

  it('follows what the newest work did cost', () => {
    const costs = new WorkCosts();
    costs.observeTier('draft', 10);
    for (let run = 0; run < 50; run++) costs.observeTier('draft', 20);
    expect(costs.tierMs('draft')).toBeCloseTo(20, 1);
  });
});
