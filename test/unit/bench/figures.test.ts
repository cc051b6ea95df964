/** Figures from recordings made by hand: each says what its definition says. */
import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../../bench/link/figures.ts';
import { Path } from '../../../bench/link/path.ts';
import { FlowRecord, type Recording } from '../../../bench/link/recording.ts';
import { parseScenario, type Scenario } from '../../../bench/link/scenario.ts';
import { segmentsOf } from '../../../bench/link/segments.ts';

const scenario = (over: object = {}): Scenario =>
  parseScenario({ name: 'x', durationMs: 20_000, forward: [{ atMs: 0, capacityBps: 1e6 }], ...over }, 'test');

/** Each flow sends packets of 1,250 bytes at its own even rate; `rateAt` in bits a second. */
function record(plan: Scenario, rates: ((atMs: number) => number)[]): Recording {
  const capacity = plan.forward.map(({ atMs, capacityBps }) => ({ fromUs: atMs * 1_000, bps: capacityBps }));
  const path = new Path({ capacity, delayUs: 0, queueUs: plan.queueMs * 1_000 });
  const flows = plan.flows.map(({ kind }) => new FlowRecord(kind, plan.durationMs / 10));
  const owed = rates.map(() => 0);
  for (let atMs = 0; atMs < plan.durationMs; atMs++) {
    rates.forEach((rateAt, index) => {
      owed[index]! += rateAt(atMs) / 1_000;
      for (; owed[index]! >= 10_000; owed[index]! -= 10_000) {
        flows[index]!.add(atMs * 1_000, path.send(1_250, atMs * 1_000), path.capacity);
      }
    });
  }
  return { durationMs: plan.durationMs, capacity: path.capacity, flows };
}

describe('figuresOf', () => {
  it('measures use and loss of a source that sends evenly', () => {
    const half = scenario();
    const even = figuresOf(half, record(half, [() => 0.5e6]));
    expect(even).toMatchObject({ queueP99Ms: 0, lossRatio: 0 });
    expect(even.utilisation).toBeCloseTo(0.5, 2);
    const twice = figuresOf(half, record(half, [() => 2e6]));
    expect(twice.utilisation).toBeGreaterThan(0.999);
    expect(twice.lossRatio).toBeCloseTo(0.5, 1);
    expect(twice.queueP50Ms).toBeGreaterThan(290);
  });

  it('says when use of a risen capacity began, and when the queue of a fallen one was gone', () => {
    const plan = scenario({
      forward: [
        { atMs: 0, capacityBps: 1e6 },
        { atMs: 5_000, capacityBps: 2e6 },
        { atMs: 10_000, capacityBps: 1e6 },
      ],
    });
    const rateAt = (atMs: number): number => (atMs < 6_500 ? 0.95e6 : atMs < 10_200 ? 1.9e6 : 0.8e6);
    const { segments } = figuresOf(plan, record(plan, [rateAt]));
    expect(segments.map(({ capacityBps }) => capacityBps)).toEqual([1e6, 2e6, 1e6]);
    // The window that first holds 85% may begin a little before the rate rises.
    expect(segments[1]!.convergeMs).toBeGreaterThan(1_300);
    expect(segments[1]!.convergeMs).toBeLessThanOrEqual(1_500);
    // 180 kbit too much, drained with the 200 kbit a second that are left over, down to 50 ms.
    expect(segments[2]!.drainMs).toBeGreaterThan(700);
    expect(segments[2]!.drainMs).toBeLessThan(1_000);
  });

  it('says never for what never happens', () => {
    const plan = scenario();
    const [idle] = figuresOf(plan, record(plan, [() => 0.3e6])).segments;
    expect(idle).toMatchObject({ convergeMs: null, drainMs: 0 });
    expect(figuresOf(plan, record(plan, [() => 2e6])).segments[0]).toMatchObject({ drainMs: null });
  });

  it('calls equal shares fair and a share for one alone 1/n', () => {
    const plan = scenario({ flows: [{ kind: 'media' }, { kind: 'media' }] });
    expect(figuresOf(plan, record(plan, [() => 0.4e6, () => 0.4e6])).jain).toBeCloseTo(1, 3);
    expect(figuresOf(plan, record(plan, [() => 0.8e6, () => 0])).jain).toBe(0.5);
    expect(figuresOf(scenario(), record(scenario(), [() => 0.4e6])).jain).toBeUndefined();
  });

  it('counts only the flows under test', () => {
    const plan = scenario({ flows: [{ kind: 'cubic' }, { kind: 'media' }] });
    expect(figuresOf(plan, record(plan, [() => 0.5e6, () => 0.25e6])).utilisation).toBeCloseTo(0.25, 2);
  });
});

describe('segmentsOf', () => {
  it('cuts at outages and black holes and leaves outages out', () => {
    const plan = scenario({
      outages: [{ fromMs: 4_000, toMs: 6_000 }],
      blackHoles: [{ fromMs: 10_000, toMs: 12_000, direction: 'backward' }],
    });
    expect(segmentsOf(plan, 0, 20_000).map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
      [0, 4_000],
      [6_000, 10_000],
      [10_000, 12_000],
      [12_000, 20_000],
    ]);
  });

  it('has none for a trace', () => {
    const forward = Array.from({ length: 40 }, (_, index) => ({ atMs: index * 500, capacityBps: 1e6 + index }));
    expect(segmentsOf(scenario({ forward }), 0, 20_000)).toEqual([]);
  });
});
