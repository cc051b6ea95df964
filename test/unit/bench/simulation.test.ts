/** Whole runs in virtual time: what holds for every controller, and that each kind of flow behaves like its kind. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONTROLLERS } from '../../../bench/link/controllers.ts';
import { figuresOf, type ControllerFigures } from '../../../bench/link/figures.ts';
import { BIN_MS, sumOver } from '../../../bench/link/recording.ts';
import { parseScenario, readScenario, type Scenario } from '../../../bench/link/scenario.ts';
import { simulate } from '../../../bench/link/simulation.ts';
import { plotCase } from '../../../bench/plot/case-plot.ts';

const scenario = (over: object = {}): Scenario =>
  parseScenario(
    { name: 'x', durationMs: 10_000, seed: 3, jitterMs: 10, forward: [{ atMs: 0, capacityBps: 2e6 }], ...over },
    'test',
  );
const steps = (...pairs: [atMs: number, capacityBps: number][]) =>
  pairs.map(([atMs, capacityBps]) => ({ atMs, capacityBps }));
const figures = (over: object, controller: 'glimpse' | 'gcc' = 'gcc'): ControllerFigures => {
  const plan = scenario(over);
  return figuresOf(plan, simulate(plan, controller));
};

describe('simulate', () => {
  it.each(CONTROLLERS)('gives the same figures for the same seed, and others for another: %s', (controller) => {
    const hostile = { lossRatio: 0.03, forward: steps([0, 2e6], [4_000, 0.7e6]) };
    const run = (seed: number) => JSON.stringify(figures({ ...hostile, seed }, controller));
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
  });

  it.each(['rfc8867-5.1', 'queue-10', 'mobile-2-driving', 'outage'])('never uses more than there is: %s', (name) => {
    const plan = readScenario(join(import.meta.dirname, `../../../bench/link/scenarios/${name}.json`));
    for (const controller of CONTROLLERS) {
      const recording = simulate(plan, controller);
      for (let fromMs = 0; fromMs < plan.durationMs; fromMs += BIN_MS) {
        const served = recording.flows.reduce(
          (sum, flow) => sum + sumOver(flow.servedBits, fromMs, fromMs + BIN_MS),
          0,
        );
        const possible = recording.capacity.bitsBetween(fromMs * 1_000, (fromMs + BIN_MS) * 1_000);
        if (served > possible + 1e-3) expect.fail(`${controller} at ${fromMs} ms: ${served} of ${possible} bits`);
      }
      const { utilisation, segments } = figuresOf(plan, recording);
      expect(Math.max(utilisation, ...segments.map((segment) => segment.utilisation))).toBeLessThanOrEqual(1);
    }
  });

  it('fills a link with TCP, Reno or Cubic, and shares it between two of a kind', () => {
    for (const kind of ['reno', 'cubic']) {
      const alone = figures({ durationMs: 20_000, flows: [{ kind }] });
      expect(alone.utilisation).toBeGreaterThan(0.9);
      expect(alone.queueP95Ms).toBeGreaterThan(150);
      const [first, second] = figures({ durationMs: 60_000, flows: [{ kind }, { kind }] }).flows;
      expect(Math.min(first!.utilisation, second!.utilisation)).toBeGreaterThan(0.25);
    }
  });

  it('lets short TCP transfers come and go', () => {
    const transfer = { minBytes: 50_000, maxBytes: 100_000, idleMeanMs: 1_000 };
    const { utilisation } = figures({ durationMs: 60_000, flows: [{ kind: 'tcp', transfer }] });
    expect(utilisation).toBeGreaterThan(0.1);
    expect(utilisation).toBeLessThan(0.6);
  });

  it('keeps a paused flow silent, and starts and stops flows in time', () => {
    const plan = scenario({
      flows: [{ kind: 'media', startMs: 1_000, stopMs: 8_000, pauses: [{ fromMs: 3_000, toMs: 5_000 }] }],
    });
    const [flow] = simulate(plan, 'glimpse').flows;
    const sent = (fromMs: number, toMs: number): number => sumOver(flow!.sentPackets, fromMs, toMs);
    expect([sent(0, 1_000), sent(8_000, 10_000)]).toEqual([0, 0]);
    expect(sent(4_000, 5_000)).toBeLessThan(sent(2_000, 3_000) / 5);
    expect(sent(6_000, 7_000)).toBeGreaterThan(50);
  });

  it.each(CONTROLLERS)('survives outage, black hole and clock jump, and sends again: %s', (controller) => {
    const trouble = {
      durationMs: 30_000,
      outages: [{ fromMs: 5_000, toMs: 7_000 }],
      blackHoles: [{ fromMs: 12_000, toMs: 15_000, direction: 'backward' }],
      clockJump: { atMs: 20_000, jumpMs: -2_500 },
    };
    const { segments } = figures(trouble, controller);
    expect(segments.map(({ fromMs }) => fromMs)).toEqual([0, 7_000, 12_000, 15_000]);
    expect(segments.at(-1)!.utilisation).toBeGreaterThan(0.1);
  });

  it('draws a case', () => {
    const plan = scenario();
    const svg = plotCase(plan, { glimpse: simulate(plan, 'glimpse'), gcc: simulate(plan, 'gcc') });
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(svg).not.toContain('NaN');
  });
});

describe('the GCC baseline', () => {
  it('climbs to a steady capacity without a standing queue', () => {
    const { segments } = figures({ durationMs: 40_000 });
    expect(segments[0]!.utilisation).toBeGreaterThan(0.75);
    expect(segments[0]!.queueP95Ms).toBeLessThan(60);
  });

  it('backs off when capacity drops', () => {
    const plan = scenario({ durationMs: 20_000, forward: steps([0, 2e6], [10_000, 0.5e6]) });
    const [flow] = simulate(plan, 'gcc').flows;
    expect(flow!.targetBps[95]).toBeGreaterThan(1.2e6);
    expect(Math.max(...flow!.targetBps.slice(150))).toBeLessThan(0.8e6);
  });

  it('grows no faster than eight per cent a second after a rise, as published', () => {
    const plan = scenario({ durationMs: 30_000, forward: steps([0, 0.5e6], [10_000, 4e6]) });
    const [flow] = simulate(plan, 'gcc').flows;
    const [before, after] = [flow!.targetBps[120]!, flow!.targetBps[270]!];
    expect(after / before).toBeGreaterThan(1.3);
    expect(after / before).toBeLessThan(1.09 ** 15);
  });

  it('is not starved by two per cent of random loss', () => {
    expect(figures({ durationMs: 40_000, lossRatio: 0.02 }).utilisation).toBeGreaterThan(0.7);
  });
});
