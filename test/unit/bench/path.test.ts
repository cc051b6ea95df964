/** The link model, one direction: nothing is made or lost unseen, and each rule holds by itself. */
import { describe, expect, it } from 'vitest';
import { Path, type Fate, type PathPlan } from '../../../bench/link/path.ts';
import { seededRandom } from '../../../bench/link/seeded-random.ts';

const plan = (over: Partial<PathPlan> = {}): PathPlan => ({
  capacity: [{ fromUs: 0, bps: 1e6 }],
  delayUs: 50_000,
  queueUs: 300_000,
  ...over,
});

/** Packets of random size at random times, at about `bps`. */
function offer(path: Path, { bps = 2e6, packets = 5_000, seed = 9, flows = 1 } = {}) {
  const random = seededRandom(seed);
  let nowUs = 0;
  return Array.from({ length: packets }, (_, index) => {
    const sizeBytes = 100 + Math.floor(random() * 1_100);
    nowUs += (random() * 2 * sizeBytes * 8_000_000) / bps;
    return { flow: index % flows, nowUs, sizeBytes, fate: path.send(sizeBytes, nowUs, index % flows) };
  });
}

const count = (sent: { fate: Fate }[], outcome: Fate['outcome']): number =>
  sent.filter(({ fate }) => fate.outcome === outcome).length;
const arrivals = (sent: { fate: Fate }[]): number[] =>
  sent.flatMap(({ fate }) => (fate.outcome === 'delivered' ? [fate.arrivalUs] : []));

describe('Path', () => {
  it('gives every packet exactly one fate, and serves one at a time, in order', () => {
    const sent = offer(new Path(plan({ lossRatio: 0.05 })));
    const fates = (['delivered', 'lost', 'dropped', 'vanished'] as const).map((outcome) => count(sent, outcome));
    expect(fates.reduce((sum, part) => sum + part, 0)).toBe(sent.length);
    expect(Math.min(...fates.slice(0, 3))).toBeGreaterThan(0);
    const services = sent.flatMap(({ fate }) => ('service' in fate ? [fate.service] : []));
    expect(services.every(({ startUs }, index) => index === 0 || startUs >= services[index - 1]!.endUs)).toBe(true);
  });

  it('serves at exactly its capacity, across changes', () => {
    const capacity = [
      { fromUs: 0, bps: 1e6 },
      { fromUs: 1_003_000, bps: 3e6 },
      { fromUs: 2_001_000, bps: 0.5e6 },
    ];
    const path = new Path(plan({ capacity, queueUs: 1e9 }));
    let endUs = 0;
    for (let packet = 0; packet < 400; packet++) {
      const fate = path.send(1_250, 0);
      if ('service' in fate) endUs = fate.service.endUs;
    }
    // 4 Mbit: 1.003 in the first span, 2.994 in the second, the rest at half a megabit.
    expect(endUs).toBeCloseTo(2_001_000 + (4e6 - 1.003e6 - 2.994e6) / 0.5, 3);
    expect(path.capacity.bitsBetween(0, endUs)).toBeCloseTo(4e6, 3);
  });

  it('never lets a packet wait longer than the queue, and drops nothing that would not', () => {
    const sent = offer(new Path(plan({ queueUs: 80_000 })));
    const waits = sent.flatMap(({ fate }) => ('service' in fate ? [fate.service.waitUs] : []));
    expect(Math.max(...waits)).toBeLessThanOrEqual(80_000 + 1e-6);
    expect(Math.max(...waits)).toBeGreaterThan(70_000);
    expect(count(offer(new Path(plan()), { bps: 0.3e6 }), 'dropped')).toBe(0);
  });

  it('adds jitter within its bound and keeps the order of each flow', () => {
    const path = new Path(plan({ jitterUs: 30_000 }));
    const sent = offer(path, { bps: 0.5e6, flows: 3 });
    for (const flow of [0, 1, 2]) {
      const arrived = arrivals(sent.filter((packet) => packet.flow === flow));
      expect(arrived.every((us, index) => index === 0 || us >= arrived[index - 1]!)).toBe(true);
    }
    const extras = sent.flatMap(({ fate }) =>
      fate.outcome === 'delivered' ? [fate.arrivalUs - fate.service.endUs - 50_000] : [],
    );
    expect(Math.min(...extras)).toBeGreaterThanOrEqual(-1e-6);
    expect(Math.max(...extras)).toBeLessThanOrEqual(30_000 + 1e-6);
  });

  it('gives flows their own delay', () => {
    const path = new Path(plan({ flowDelaysUs: [10_000, undefined] }));
    const [near, far] = [path.send(125, 0, 0), path.send(125, 1_000, 1)];
    expect(arrivals([{ fate: near }, { fate: far }])).toEqual([11_000, 52_000]);
  });

  it('loses as many packets at random as it was told', () => {
    const sent = offer(new Path(plan({ lossRatio: 0.05 })), { bps: 0.3e6, packets: 40_000 });
    expect(count(sent, 'lost') / sent.length).toBeCloseTo(0.05, 2);
  });

  it('loses in bursts of the length it was told', () => {
    const burstLoss = { enterRatio: 0.01, leaveRatio: 0.25, lossRatio: 1 };
    const sent = offer(new Path(plan({ burstLoss })), { bps: 0.3e6, packets: 80_000 });
    const lost = sent.map(({ fate }) => fate.outcome === 'lost');
    const bursts = lost.filter((now, index) => now && !lost[index - 1]).length;
    expect(count(sent, 'lost') / sent.length).toBeCloseTo(0.01 / (0.01 + 0.25), 2);
    expect(count(sent, 'lost') / bursts).toBeCloseTo(4, 0);
  });

  it('holds its queue through an outage and serves it afterwards', () => {
    const path = new Path(plan({ outages: [{ fromUs: 100_000, toUs: 2_100_000 }] }));
    const held = path.send(1_250, 95_000);
    expect(arrivals([{ fate: held }])).toEqual([2_105_000 + 50_000]);
    const during = Array.from({ length: 60 }, (_, index) => path.send(1_250, 200_000 + index));
    // The queue holds 300 ms of its capacity, not 300 ms of standing still.
    expect(during.filter(({ outcome }) => outcome === 'delivered')).toHaveLength(30);
  });

  it('swallows what is sent into a black hole', () => {
    const path = new Path(plan({ blackHoles: [{ fromUs: 10, toUs: 20 }] }));
    expect([9, 10, 19, 20].map((nowUs) => path.send(100, nowUs).outcome)).toEqual([
      'delivered',
      'vanished',
      'vanished',
      'delivered',
    ]);
  });

  it('decides the same for the same seed, and otherwise for another', () => {
    const fates = (seed: number) => JSON.stringify(offer(new Path(plan({ lossRatio: 0.1, jitterUs: 20_000, seed }))));
    expect(fates(3)).toBe(fates(3));
    expect(fates(3)).not.toBe(fates(4));
  });
});
