/** What a probe cluster proves, on paths with and without room, with and without jitter. */
import { describe, expect, it } from 'vitest';
import { provenBps, type ProbePacket } from '../../../src/congestion/probing/probe-rate.ts';
import { seededRandom } from '../../../bench/link/seeded-random.ts';

const DELAY_US = 50_000;
const PACKET_BYTES = 1_000;

interface Probed {
  rateBps: number;
  capacityBps: number;
  packets?: number;
  /** Added to each packet's delay, in order; packets do not overtake. */
  jitterUs?: (index: number) => number;
}

/** A cluster of packets over a path with one queue. */
function cluster({ rateBps, capacityBps, packets = 10, jitterUs = () => 0 }: Probed): ProbePacket[] {
  const sent: ProbePacket[] = [];
  let freeAtUs = 0;
  for (let index = 0; index < packets; index++) {
    const sentAtUs = (index * PACKET_BYTES * 8e6) / rateBps;
    freeAtUs = Math.max(freeAtUs, sentAtUs) + (index === 0 ? 0 : (PACKET_BYTES * 8e6) / capacityBps);
    const arrivedAtUs = Math.max(freeAtUs + DELAY_US + jitterUs(index), sent.at(-1)?.arrivedAtUs ?? 0);
    sent.push({ sequence: index, sizeBytes: PACKET_BYTES, sentAtUs, arrivedAtUs });
  }
  return sent;
}

const read = (probed: Probed, jitterMs = 0): number | undefined => {
  const received = cluster(probed);
  const sent = { sentPackets: received.length, sentBytes: received.length * PACKET_BYTES };
  return provenBps({ rateBps: probed.rateBps, received, ...sent }, { jitterMs, baseUs: DELAY_US, idleUs: 0 });
};

describe('provenBps', () => {
  it('reads the capacity from the queue that the cluster builds, and does not exceed it', () => {
    expect(read({ rateBps: 2e6, capacityBps: 1e6 })!).toBeGreaterThan(0.85e6);
    expect(read({ rateBps: 2e6, capacityBps: 1e6 })!).toBeLessThanOrEqual(1e6);
  });

  it('is not fooled when jitter holds back the first packets and all arrive at once', () => {
    const late = { rateBps: 2e6, capacityBps: 1e6, jitterUs: (index: number) => (index < 5 ? 30_000 : 0) };
    expect(read(late)!).toBeLessThanOrEqual(1e6 + 1);
  });

  it('hardly ever claims more than there is, whatever the jitter', () => {
    const random = seededRandom(5);
    const claims = Array.from({ length: 500 }, () =>
      read({ rateBps: 2e6, capacityBps: 1e6, jitterUs: () => random() * 30_000 }, 10),
    );
    expect(claims.filter((bps) => bps! > 1e6 + 1)).toHaveLength(0);
  });

  it('proves nothing when more than a fifth is lost', () => {
    const received = cluster({ rateBps: 2e6, capacityBps: 4e6 }).slice(0, 7);
    const sent = { rateBps: 2e6, sentPackets: 10, sentBytes: 10 * PACKET_BYTES };
    expect(provenBps({ ...sent, received }, { jitterMs: 0, baseUs: DELAY_US, idleUs: 0 })).toBeUndefined();
  });
});
