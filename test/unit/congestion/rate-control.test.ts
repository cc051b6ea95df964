/** The delay-based rate by itself: how it grows and what it keeps in mind. */
import { describe, expect, it } from 'vitest';
import { RateControl, type RateInput } from '../../../src/congestion/aimd.ts';

const STEP_US = 100_000;
const calm: RateInput = {
  nowUs: 0,
  use: 'normal',
  queue: 'clear',
  queueMs: 0,
  throughputBps: undefined,
  capacityBps: undefined,
  rttMs: 100,
  packetBytes: 1_000,
  packetMs: 8,
};

/** Feeds the same reading for so many seconds. */
function run(rate: RateControl, from: { nowUs: number }, seconds: number, input: Partial<RateInput> = {}): void {
  for (let step = 0; step < seconds * 10; step++) {
    from.nowUs += STEP_US;
    rate.update({ ...calm, ...input, nowUs: from.nowUs });
  }
}

/** A rate that was cut to 0.95 Mbps by a queue served at 1 Mbps, which has drained since. */
function cut(): { rate: RateControl; time: { nowUs: number } } {
  const rate = new RateControl(1.2e6);
  const time = { nowUs: 0 };
  run(rate, time, 0.1, { queue: 'congested', queueMs: 60, capacityBps: 1e6 });
  return { rate, time };
}

describe('RateControl', () => {
  it('grows by half in a second while no capacity is known', () => {
    const rate = new RateControl(1e6);
    run(rate, { nowUs: 0 }, 1.1);
    expect(rate.bps / 1e6).toBeGreaterThan(1.4);
    expect(rate.bps / 1e6).toBeLessThan(1.7);
  });

  it('is careful near the capacity it was cut at, and gathers speed while no queue shows up there', () => {
    const { rate, time } = cut();
    run(rate, time, 0.8);
    expect(rate.bps).toBeLessThan(1e6);
    run(rate, time, 5);
    expect(rate.bps).toBeGreaterThan(1.5e6);
  });

  it('stays careful while there is a queue now and then', () => {
    const { rate, time } = cut();
    for (let second = 0; second < 5; second++) {
      run(rate, time, 0.1, { queueMs: 12 });
      run(rate, time, 0.4);
    }
    expect(rate.bps).toBeLessThan(1.08e6);
  });

  it('sends less than the rate for as long as a queue stands, however short', () => {
    const { rate, time } = cut();
    run(rate, time, 0.1, { queueMs: 30 });
    expect(rate.targetBps).toBeLessThan(0.95 * rate.bps);
    run(rate, time, 0.1, { queueMs: 15 });
    expect(rate.targetBps).toBeLessThan(0.97 * rate.bps);
    run(rate, time, 0.1);
    expect(rate.targetBps).toBe(rate.bps);
  });

  it('forgets the capacity when a probe shows another', () => {
    const { rate, time } = cut();
    expect(rate.raiseTo(2e6)).toBe(true);
    run(rate, time, 0.5);
    expect(rate.bps).toBeGreaterThan(2.3e6);
  });
});
