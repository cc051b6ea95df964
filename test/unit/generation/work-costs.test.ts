import { describe, expect, it } from 'vitest';
import { WorkCosts } from '../../../src/generation/engine/work-costs.ts';

describe('what work costs', () => {
  it('is what calibration expects, tier by tier, until that tier is measured', () => {
    const costs = new WorkCosts();
    expect(costs.gradeMs('draft')).toBeUndefined();
    costs.expect('draft', 10);
    costs.expect('base', 30);
    expect([costs.sliceMs('draft'), costs.sliceMs('base'), costs.sliceMs('refined')]).toEqual([10, 40, 40]);
    costs.observe('base', 30);
    costs.expect('base', 20);
    expect([costs.gradeMs('base'), costs.sliceMs('base')]).toEqual([30, 40]);
  });

  it('follows what the newest work did cost', () => {
    const costs = new WorkCosts();
    costs.observe('draft', 10);
    for (let run = 0; run < 50; run++) costs.observe('draft', 20);
    expect(costs.gradeMs('draft')).toBeCloseTo(20, 1);
  });

  it('counts the fast way of a tier where that is the cap, and the full one below a tier above', () => {
    const costs = new WorkCosts();
    costs.expect('base', 40);
    costs.expect('refined', 300);
    expect(costs.sliceMs('refined-fast')).toBe(340);
    costs.expect('refined-fast', 80);
    costs.expect('upscaled', 100);
    expect([costs.sliceMs('refined-fast'), costs.sliceMs('refined'), costs.sliceMs('upscaled')]).toEqual([
      120, 340, 440,
    ]);
  });

  it('expects of a machine that begins three times as slow that all of it is', () => {
    const costs = new WorkCosts();
    costs.expect('draft', 20);
    costs.expect('base', 60);
    costs.expect('refined', 300);
    costs.observe('draft', 60);
    expect([costs.gradeMs('base'), costs.gradeMs('refined')]).toEqual([180, 900]);
    costs.observe('base', 180);
    expect(costs.gradeMs('refined')).toBeCloseTo(900);
  });

  it('lets what is not made any more follow what is: down when the machine is free again, and up', () => {
    const costs = new WorkCosts();
    const slices = (count: number, pace: number) => {
      for (let slice = 0; slice < count; slice++)
        for (const [grade, ms] of [
          ['draft', 20],
          ['base', 60],
          ['refined-fast', 80],
        ] as const)
          costs.observe(grade, ms * pace);
    };
    costs.observe('refined', 900);
    slices(40, 3);
    expect(costs.gradeMs('refined')).toBeCloseTo(900);
    slices(40, 1);
    expect(costs.gradeMs('refined')).toBeCloseTo(300, -1);
    slices(40, 2);
    expect(costs.gradeMs('refined')).toBeCloseTo(600, -1);
  });

  it('leaves each of those that are made to its own measurements', () => {
    const costs = new WorkCosts();
    for (let slice = 0; slice < 60; slice++) {
      costs.observe('draft', 20 + (slice % 2) * 40);
      costs.observe('base', 60);
      costs.observe('refined', 300);
    }
    expect([costs.gradeMs('base'), costs.gradeMs('refined')]).toEqual([60, 300]);
  });
});
