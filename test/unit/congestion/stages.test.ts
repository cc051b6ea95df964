/** Each stage of the estimator on its own, fed by hand. */
import { describe, expect, it } from 'vitest';
import { ArrivalGroups } from '../../../src/congestion/delay/arrival-groups.ts';
import { LossModel } from '../../../src/congestion/loss/loss.ts';
import { OveruseDetector } from '../../../src/congestion/delay/overuse.ts';
import { Probing } from '../../../src/congestion/probing/probing.ts';
import { QueueDelay } from '../../../src/congestion/delay/queue-delay.ts';
import { SentPackets } from '../../../src/congestion/feedback/sent-packets.ts';
import { Throughput } from '../../../src/congestion/feedback/throughput.ts';
import { Trendline } from '../../../src/congestion/delay/trendline.ts';
import { seededRandom } from '../../../bench/link/seeded-random.ts';

/** State of the detector after `groups` groups 10 ms apart, while the queue grows by so much a group. */
const feed = (queueGrowthUs: number, groups: number): string => {
  const trendline = new Trendline();
  const detector = new OveruseDetector();
  let state = '';
  for (let index = 1; index <= groups; index++) {
    const arrivedAtUs = index * (10_000 + queueGrowthUs);
    const trend = trendline.update({ sendDeltaUs: 10_000, arrivalDeltaUs: 10_000 + queueGrowthUs, arrivedAtUs });
    state = detector.update(trend, 10, arrivedAtUs / 1_000);
  }
  return state;
};

/** One observation a rate, with packets lost at random. */
const observe = (rates: readonly number[], lossAt: (bps: number) => number): LossModel => {
  const random = seededRandom(11);
  const model = new LossModel();
  let nowUs = 0;
  for (const bps of rates) {
    const packets = Math.ceil((bps * 0.3) / 8_000);
    for (let index = 0; index < packets; index++) {
      nowUs += 300_000 / packets;
      model.add(nowUs, 1_000, random() < lossAt(bps));
    }
    model.update();
  }
  return model;
};

describe('ArrivalGroups', () => {
  it('compares groups of packets sent within 5 ms', () => {
    const groups = new ArrivalGroups();
    const deltas = [0, 1, 2, 20, 21, 40].map((sentMs) => groups.add(sentMs * 1_000, sentMs * 1_100 + 5_000));
    const found = deltas.filter((delta) => delta !== undefined);
    expect(found).toEqual([{ sendDeltaUs: 19_000, arrivalDeltaUs: 20_900, arrivedAtUs: 28_100 }]);
  });

  it('starts over after the receiver clock jumps', () => {
    const groups = new ArrivalGroups();
    for (const ms of [0, 10, 20]) groups.add(ms * 1_000, ms * 1_000);
    expect(groups.add(30_000, 5_000_000)).toMatchObject({ sendDeltaUs: 10_000, arrivalDeltaUs: 10_000 });
    expect(groups.add(40_000, 5_010_000)).toBeUndefined();
    expect(groups.add(50_000, 5_020_000)).toBeUndefined();
  });
});

describe('Trendline and OveruseDetector', () => {
  it('sees a queue that grows by a tenth of time', () => expect(feed(1_000, 60)).toBe('overuse'));
  it('sees a queue that shrinks', () => expect(feed(-1_500, 60)).toBe('underuse'));
  it('stays calm on a constant delay', () => expect(feed(0, 60)).toBe('normal'));
  it('says nothing before twenty groups', () => expect(feed(1_000, 10)).toBe('normal'));
});

describe('QueueDelay', () => {
  it('measures delay above the minimum whatever the clock offset', () => {
    const queue = new QueueDelay();
    for (let index = 0; index < 50; index++) queue.add(index * 10_000, index * 10_000 - 999_000_000);
    for (let index = 50; index < 70; index++) queue.add(index * 10_000, index * 10_000 - 999_000_000 + 80_000);
    expect(queue.queueMs).toBeCloseTo(80);
    expect(queue.state(1)).toBe('congested');
    queue.rebase();
    expect(queue.state(1)).toBe('clear');
  });

  it('is not fooled by jitter', () => {
    const random = seededRandom(3);
    const queue = new QueueDelay();
    for (let index = 0; index < 500; index++) queue.add(index * 5_000, index * 5_000 + random() * 30_000);
    expect(queue.queueMs).toBeLessThan(20);
    expect(queue.jitterMs).toBeGreaterThan(5);
  });

  it('remembers for a minute that a queue stands, whatever the base has become', () => {
    const queue = new QueueDelay();
    for (let ms = 0; ms < 500; ms += 10) queue.add(ms * 1_000, ms * 1_000);
    for (let ms = 500; ms < 700; ms += 10) queue.add(ms * 1_000, ms * 1_000 + 80_000);
    queue.rebase();
    queue.add(700_000, 780_000);
    expect(queue.queueMs).toBe(0);
    expect(queue.standingMs).toBeCloseTo(80);
    for (let ms = 1_000; ms < 66_000; ms += 100) queue.add(ms * 1_000, ms * 1_000 + 80_000);
    expect(queue.standingMs).toBe(0);
  });

  it('forgets its base after ten seconds', () => {
    const queue = new QueueDelay();
    queue.add(0, 0);
    for (let ms = 20; ms < 12_000; ms += 20) queue.add(ms * 1_000, ms * 1_000 + 60_000);
    expect(queue.queueMs).toBe(0);
  });
});

describe('Throughput', () => {
  it('reads the rate of arrivals', () => {
    const throughput = new Throughput();
    for (let ms = 0; ms <= 1_000; ms += 10) throughput.add(ms * 1_000, 1_250, false);
    expect(throughput.bps).toBeCloseTo(1_000_000, -4);
    expect(throughput.capacityBps).toBeUndefined();
  });

  it('reads the capacity from a queue alone, however long the pause before', () => {
    const throughput = new Throughput();
    throughput.add(0, 1_250, false);
    for (let ms = 400; ms < 440; ms += 5) throughput.add(ms * 1_000, 1_250, ms > 400);
    expect(throughput.capacityBps).toBeCloseTo(2_000_000, -4);
    expect(throughput.bps).toBeLessThan(300_000);
  });

  it('stretches its window on slow paths', () => {
    const throughput = new Throughput();
    for (let ms = 0; ms <= 1_600; ms += 200) throughput.add(ms * 1_000, 1_000, false);
    expect(throughput.bps).toBeCloseTo(40_000, -3);
  });
});

describe('LossModel', () => {
  it('forgets loss by when it was sent: what a cut has answered may be told of later', () => {
    const model = new LossModel();
    model.forget(1_000_000);
    for (let packet = 0; packet < 50; packet++) model.add(500_000 + packet * 10_000, 1_000, true);
    model.update();
    expect(model.boundBps).toBe(Infinity);
    expect(model.ratio).toBeGreaterThan(0);
  });

  it('takes no single observation for a path that carries nothing', () => {
    const model = observe([1e6, 1e6, 1e6, 1e6, 1e6, 3e6], (bps) => (bps > 2e6 ? 0.96 : 0));
    expect(model.boundBps).toBeGreaterThan(1.4e6);
    expect(model.boundBps).toBeLessThan(1.6e6);
  });

  const rising = Array.from({ length: 15 }, (_, index) => 600e3 + index * 60e3);

  it('takes loss that does not depend on the rate as the nature of the path', () => {
    const model = observe(rising, () => 0.05);
    expect(model.boundBps).toBe(Infinity);
    expect(model.inherentRatio).toBeGreaterThan(0.02);
  });

  it('finds the rate above which everything is lost', () => {
    const model = observe(rising, (bps) => Math.max(0, 1 - 1e6 / bps));
    expect(model.boundBps).toBeGreaterThan(0.85e6);
    expect(model.boundBps).toBeLessThan(1.1e6);
  });
});

describe('SentPackets', () => {
  it('reports each packet once, and a late arrival after a loss', () => {
    const sent = new SentPackets();
    const packet = { sequence: 5, sizeBytes: 100, sentAtUs: 1, kind: 'delta' } as const;
    sent.add(packet);
    expect(sent.match([{ sequence: 5, arrivedAtUs: undefined }])).toHaveLength(1);
    expect(sent.match([{ sequence: 5, arrivedAtUs: undefined }])).toHaveLength(0);
    expect(sent.match([{ sequence: 5, arrivedAtUs: 9 }])[0]!.arrivedAtUs).toBe(9);
    expect(sent.match([{ sequence: 5, arrivedAtUs: 9 }])).toHaveLength(0);
  });

  it('starts over with the numbers of a new transport', () => {
    const sent = new SentPackets();
    for (const sequence of [7, 8, 0]) sent.add({ sequence, sizeBytes: 1, sentAtUs: 0, kind: 'delta' });
    expect(sent.match([7, 8, 0].map((sequence) => ({ sequence, arrivedAtUs: 1 })))).toHaveLength(1);
  });
});

describe('Probing', () => {
  const take = {
    targetBps: 300e3,
    maxBps: 8e6,
    clear: true,
    cutAtUs: undefined,
    jitterMs: 0,
    quietMs: 0,
    hunting: false,
  };
  const reading = { nowUs: 100_000, targetBps: 300e3, maxBps: 8e6, jitterMs: 0, baseUs: Infinity, idleUs: 0 };

  it('asks for three and six times the start rate first', () => {
    const probing = new Probing();
    expect(probing.take({ ...take, nowUs: 0 })!.rateBps).toBe(900e3);
    expect(probing.take({ ...take, nowUs: 1 })!.rateBps).toBe(1_800e3);
    expect(probing.take({ ...take, nowUs: 2 })).toBeUndefined();
  });

  it('goes on while a probe yields, and believes the slower of sending and receiving', () => {
    const probing = new Probing();
    probing.take({ ...take, nowUs: 0 });
    const { id, sizeBytes } = probing.take({ ...take, nowUs: 0 })!;
    const packetBytes = Math.ceil(sizeBytes / 6);
    for (let sequence = 0; sequence < 6; sequence++) {
      probing.onSent(id, sequence, packetBytes);
      const times = { sentAtUs: sequence * 2_400, arrivedAtUs: sequence * 2_500 };
      probing.onReceived({ sequence, sizeBytes: packetBytes, kind: 'padding', probeId: id, ...times });
    }
    const bps = probing.evaluate(6, reading)!;
    expect(bps).toBeCloseTo((packetBytes * 8e6) / 2_500, -2);
    expect(probing.take({ ...take, nowUs: 100_000 })!.rateBps).toBe(Math.round(1.6 * bps));
  });

  it('believes less of a cluster the more jitter the path has', () => {
    const proven = [0, 10].map((jitterMs) => {
      const probing = new Probing();
      const { id } = probing.take({ ...take, nowUs: 0 })!;
      for (let sequence = 0; sequence < 6; sequence++) {
        probing.onSent(id, sequence, 300);
        const times = { sentAtUs: sequence * 2_600, arrivedAtUs: sequence * 2_600 };
        probing.onReceived({ sequence, sizeBytes: 300, kind: 'padding', probeId: id, ...times });
      }
      return probing.evaluate(6, { ...reading, jitterMs })!;
    });
    expect(proven[1]).toBeLessThan(0.7 * proven[0]!);
  });

  it('makes clusters longer where jitter would hide them', () => {
    const sizes = [0, 10].map((jitterMs) => new Probing().take({ ...take, jitterMs, nowUs: 0 })!.sizeBytes);
    expect(sizes[1]).toBeGreaterThan(1.5 * sizes[0]!);
  });

  it('tries less and less often while it finds nothing, and soon again where the path looks roomy', () => {
    const probing = new Probing();
    const askedAtMs: number[] = [];
    let sequence = 0;
    for (let nowUs = 0; nowUs < 60e6; nowUs += 25_000) {
      const request = probing.take({ ...take, nowUs, quietMs: nowUs < 50e6 ? 0 : 2_000 });
      if (!request) continue;
      askedAtMs.push(nowUs / 1_000);
      // Ten packets at the rate asked for; the path serves the target and no more.
      const sizeBytes = Math.ceil(request.sizeBytes / 10);
      for (let packet = 0; packet < 10; packet++) {
        const sentAtUs = nowUs + (packet * sizeBytes * 8e6) / request.rateBps;
        const arrivedAtUs = nowUs + ((packet + 1) * sizeBytes * 8e6) / take.targetBps;
        probing.onSent(request.id, sequence, sizeBytes);
        probing.onReceived({ sequence, sizeBytes, kind: 'padding', probeId: request.id, sentAtUs, arrivedAtUs });
        sequence += 1;
      }
      probing.evaluate(sequence, { ...reading, nowUs, baseUs: 0 });
    }
    const pausesMs = askedAtMs.slice(1).map((atMs, index) => atMs - askedAtMs[index]!);
    const before = pausesMs.filter((_, index) => askedAtMs[index + 1]! < 50_000);
    expect(before.at(-1)).toBe(12_000);
    expect(pausesMs.at(-1)).toBe(1_500);
  });

  it('asks for what there was once the receiver is heard again', () => {
    const probing = new Probing();
    for (let probes = 0; probes < 2; probes++) probing.take({ ...take, nowUs: 0 });
    probing.afterSilence(2e6);
    expect(probing.take({ ...take, nowUs: 1 })!.rateBps).toBe(1e6);
    expect(probing.take({ ...take, nowUs: 2 })!.rateBps).toBe(1.8e6);
  });

  it('leaves a congested path alone', () => {
    const probing = new Probing();
    expect(probing.take({ ...take, nowUs: 0, clear: false })).toBeUndefined();
    expect(probing.take({ ...take, nowUs: 5e6, cutAtUs: 4.5e6 })).toBeUndefined();
  });
});
