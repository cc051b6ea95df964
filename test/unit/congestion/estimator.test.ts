/** The estimator as a whole, over a link in virtual time: what a viewer would notice. */
import { describe, expect, it } from 'vitest';
import { GlimpseEstimator } from '../../../src/congestion/estimator.ts';
import { meanTargetBps, runEstimator } from '../../support/estimator-run.ts';

const steady = (bps: number) => [{ fromUs: 0, bps }];

describe('GlimpseEstimator', () => {
  it('climbs to more than 80% of 2 Mbps within two seconds', () => {
    const link = { capacity: steady(2e6), delayUs: 30_000, queueUs: 300_000 };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 20 });
    expect(run.samples.find((sample) => sample.targetBps > 1.6e6)!.atMs).toBeLessThan(2_000);
    expect(meanTargetBps(run, 2, 20)).toBeGreaterThan(1.6e6);
    expect(run.lost).toBe(0);
  });

  it('backs off after a drop to a quarter and drains the queue', () => {
    const capacity = [
      { fromUs: 0, bps: 2e6 },
      { fromUs: 10e6, bps: 0.5e6 },
    ];
    const run = runEstimator(new GlimpseEstimator(), {
      link: { capacity, delayUs: 30_000, queueUs: 300_000 },
      seconds: 20,
    });
    const settled = run.samples.filter((sample) => sample.atMs >= 11_500);
    expect(Math.max(...settled.map((sample) => sample.queueMs))).toBeLessThan(60);
    expect(meanTargetBps(run, 12, 20)).toBeGreaterThan(0.4e6);
    expect(Math.max(...settled.map((sample) => sample.targetBps))).toBeLessThan(0.6e6);
  });

  it('finds capacity that came back within three seconds', () => {
    const capacity = [
      { fromUs: 0, bps: 0.5e6 },
      { fromUs: 10e6, bps: 2e6 },
    ];
    const run = runEstimator(new GlimpseEstimator(), {
      link: { capacity, delayUs: 30_000, queueUs: 300_000 },
      seconds: 20,
    });
    expect(meanTargetBps(run, 13, 20)).toBeGreaterThan(1.6e6);
  });

  it.each([0.02, 0.05])('is not starved by a random loss of %f', (lossRatio) => {
    const link = { capacity: steady(2e6), delayUs: 40_000, queueUs: 300_000, lossRatio };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 30 });
    expect(meanTargetBps(run, 3, 30)).toBeGreaterThan(1.6e6);
  });

  it('keeps below a bottleneck that has no queue to show', () => {
    const link = { capacity: steady(1e6), delayUs: 30_000, queueUs: 10_000 };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 30 });
    expect(meanTargetBps(run, 15, 30)).toBeGreaterThan(0.8e6);
    expect(meanTargetBps(run, 15, 30)).toBeLessThan(1.1e6);
  });

  it('uses a slow path without standing in its queue', () => {
    const link = { capacity: steady(150e3), delayUs: 30_000, queueUs: 300_000 };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 20 });
    expect(meanTargetBps(run, 3, 20)).toBeGreaterThan(110e3);
    expect(run.lost).toBeLessThan(5);
  });

  it('learns what the path carries from probes while the source sends little', () => {
    const link = { capacity: steady(2e6), delayUs: 30_000, queueUs: 300_000 };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 10, sourceMaxBps: 200e3 });
    expect(meanTargetBps(run, 2, 10)).toBeGreaterThan(1.5e6);
  });

  it('learns what the path carries while the source sends nothing at all: a still picture', () => {
    const link = { capacity: steady(2e6), delayUs: 30_000, queueUs: 300_000 };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 20, sourceMaxBps: 0 });
    expect(meanTargetBps(run, 5, 20)).toBeGreaterThan(1.2e6);
    expect(run.samples.every(({ targetBps }) => targetBps < 2.6e6)).toBe(true);
  });

  it('halves while feedback is missing and recovers when it returns', () => {
    const link = { capacity: steady(2e6), delayUs: 30_000, queueUs: 300_000 };
    const silentUs = { fromUs: 5e6, toUs: 9e6 };
    const run = runEstimator(new GlimpseEstimator(), { link, seconds: 16, silentUs });
    const during = run.samples.filter((sample) => sample.atMs > 6_500 && sample.atMs < 9_000);
    expect(during.every((sample) => sample.reason === 'timeout')).toBe(true);
    expect(run.samples.find((sample) => sample.atMs === 8_900)!.targetBps).toBeLessThan(0.3e6);
    expect(meanTargetBps(run, 12, 16)).toBeGreaterThan(1.4e6);
  });

  it('gives up on a queue that is not its own instead of starving', () => {
    const estimator = new GlimpseEstimator();
    const link = { capacity: steady(2e6), delayUs: 30_000, queueUs: 300_000 };
    runEstimator(estimator, { link, seconds: 5 });
    // The same estimator on a path that got 80 ms longer: to its eyes a queue that never drains.
    const longer = runEstimator(estimator, { link: { ...link, delayUs: 110_000 }, seconds: 20 });
    expect(meanTargetBps(longer, 10, 20)).toBeGreaterThan(1.2e6);
  });

  it('decides the same for the same trace', () => {
    const link = { capacity: steady(1e6), delayUs: 50_000, queueUs: 300_000, jitterUs: 30_000, lossRatio: 0.01 };
    const runs = [1, 2].map(() => runEstimator(new GlimpseEstimator(), { link, seconds: 10 }));
    expect(JSON.stringify(runs[0])).toBe(JSON.stringify(runs[1]));
  });

  it('follows REMB alone when the receiver reports no packets', () => {
    const estimator = new GlimpseEstimator();
    estimator.onPacketSent({ sequence: 0, sizeBytes: 1_000, sentAtUs: 0, kind: 'keyframe' });
    for (let atUs = 0; atUs < 5e6; atUs += 25_000) {
      if (atUs % 500_000 === 0) estimator.onRemb(900_000);
      estimator.onTick(atUs);
    }
    expect(estimator.targetBps).toBe(900_000);
    expect(estimator.snapshot.reason).toBe('remb');
  });

  it('ignores feedback about packets it never sent', () => {
    const estimator = new GlimpseEstimator();
    estimator.onFeedback({ packets: [{ sequence: 99, arrivedAtUs: 1_000 }] }, 1_000);
    expect(estimator.snapshot.reason).toBe('start');
  });
});
