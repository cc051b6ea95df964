/** The whole send path on short scenarios of the bench, in virtual time: what each part of the estimator is there for. */
import { describe, expect, it } from 'vitest';
import { figuresOf, type ControllerFigures } from '../../../bench/link/figures.ts';
import { parseScenario } from '../../../bench/link/scenario.ts';
import { simulate } from '../../../bench/link/simulation.ts';

const run = (scenario: Record<string, unknown>): ControllerFigures => {
  const parsed = parseScenario({ name: 'short', ...scenario }, 'short');
  return figuresOf(parsed, simulate(parsed, 'glimpse'));
};
const steady = (capacityBps: number): object[] => [{ atMs: 0, capacityBps }];

describe('The controller on a link', () => {
  it.each([1, 2, 3])('fills a path with 30 ms of jitter and leaves its queue empty, seed %i', (seed) => {
    const figures = run({ seed, durationMs: 30_000, jitterMs: 30, forward: steady(1e6) });
    expect(figures.utilisation).toBeGreaterThan(0.87);
    expect(figures.queueP95Ms).toBeLessThan(45);
    expect(figures.lossRatio).toBe(0);
  });

  it.each([1, 2, 3])('uses 85% of a risen capacity within 5 s in spite of jitter, seed %i', (seed) => {
    const forward = [...steady(0.5e6), { atMs: 15_000, capacityBps: 2e6 }];
    const { segments } = run({ seed, durationMs: 25_000, jitterMs: 30, forward });
    expect(segments[1]!.convergeMs).toBeLessThan(5_000);
  });

  it('is back within 1.5 s after four seconds without feedback', () => {
    const blackHoles = [{ fromMs: 10_000, toMs: 14_000, direction: 'backward' }];
    const { segments } = run({ durationMs: 20_000, forward: steady(2e6), blackHoles });
    expect(segments[2]!.convergeMs).toBeLessThan(1_500);
  });

  it('is not starved by a long TCP transfer', () => {
    const flows = [{ kind: 'cubic' }, { kind: 'media', startMs: 5_000 }];
    const { utilisation } = run({ seed: 56, durationMs: 80_000, jitterMs: 30, forward: steady(2e6), flows });
    expect(utilisation).toBeGreaterThan(0.15);
    expect(utilisation).toBeLessThan(0.6);
  });

  it.each([1, 2, 3])('empties the queue again when the TCP transfer is over, seed %i', (seed) => {
    const flows = [
      { kind: 'cubic', stopMs: 30_000 },
      { kind: 'media', startMs: 5_000 },
    ];
    const plan = { seed, durationMs: 50_000, jitterMs: 30, forward: steady(2e6), flows };
    const parsed = parseScenario({ name: 'short', ...plan }, 'short');
    const { waits } = simulate(parsed, 'glimpse').flows[1]!;
    const late = waits.filter(({ atMs }) => atMs > 40_000);
    expect(late.reduce((sum, { waitMs }) => sum + waitMs, 0) / late.length).toBeLessThan(25);
  });

  it.each([1, 2, 3])('takes no collapse of the path for a competitor, seed %i', (seed) => {
    const forward = [5e6, 2.5e6, 1e6, 0.25e6, 0.2e6, 0.15e6].map((capacityBps, step) => ({
      atMs: step === 0 ? 0 : 9_500 + 500 * step,
      capacityBps,
    }));
    const { lossRatio } = run({ seed, durationMs: 20_000, jitterMs: 20, queueMs: 1_000, forward });
    expect(lossRatio).toBeLessThan(0.01);
  });

  it('does not take the loss of a full queue for the nature of the path', () => {
    const flows = [{ kind: 'media' }, ...Array.from({ length: 4 }, () => ({ kind: 'reno' }))];
    const { lossRatio } = run({ durationMs: 60_000, jitterMs: 30, forward: steady(2e6), flows });
    expect(lossRatio).toBeLessThan(0.07);
  });

  it('shares with two more of its kind', () => {
    const flows = [0, 10_000, 20_000].map((startMs) => ({ kind: 'media', startMs }));
    const { jain, utilisation } = run({ durationMs: 60_000, jitterMs: 30, forward: steady(3.5e6), flows });
    expect(jain).toBeGreaterThan(0.9);
    expect(utilisation).toBeGreaterThan(0.88);
  });
});
