/**
 * Drives a bandwidth estimator over a virtual link: a source that always sends at the target, its probes, and a
 * receiver that reports every 50 ms. Returns what a person would plot.
 */
import type { BandwidthEstimator, PacketResult, ProbeRequest } from '../../src/congestion/bandwidth-estimator.ts';
import { Path, type PathPlan } from '../../bench/link/path.ts';

const STEP_US = 1_000;
const PACKET_BYTES = 1_150;
const FEEDBACK_US = 50_000;
/** The receiver's clock has another origin. */
const CLOCK_OFFSET_US = 7_777_000_000;

export interface Sample {
  atMs: number;
  targetBps: number;
  arrivedBps: number;
  queueMs: number;
  reason: string;
}

export interface EstimatorRun {
  /** Every 100 ms. */
  samples: Sample[];
  sent: number;
  lost: number;
}

export interface RunOptions {
  link: PathPlan;
  seconds: number;
  /** The source never sends more than this: an encoder with a still picture. */
  sourceMaxBps?: number;
  /** No feedback comes through between these instants. */
  silentUs?: { fromUs: number; toUs: number };
}

export function runEstimator(estimator: BandwidthEstimator, options: RunOptions): EstimatorRun {
  const { link: plan, seconds, sourceMaxBps = Infinity, silentUs } = options;
  const link = new Path(plan);
  const results: (PacketResult & { knownAtUs: number })[] = [];
  const samples: Sample[] = [];
  let sequence = 0;
  let lost = 0;
  let budgetBytes = 0;
  let arrivedBytes = 0;
  let probe: { request: ProbeRequest; sentBytes: number; packets: number; startUs: number } | undefined;
  const feedbackUnderWay: { atUs: number; packets: PacketResult[] }[] = [];

  const send = (nowUs: number, sizeBytes: number, probeId?: number): void => {
    const fate = link.send(sizeBytes, nowUs);
    const arrivalUs = fate.outcome === 'delivered' ? fate.arrivalUs : undefined;
    estimator.onPacketSent({
      sequence,
      sizeBytes,
      sentAtUs: nowUs,
      kind: probeId === undefined ? 'delta' : 'padding',
      ...(probeId === undefined ? {} : { probeId }),
    });
    const arrivedAtUs = arrivalUs === undefined ? undefined : Math.round((arrivalUs + CLOCK_OFFSET_US) / 250) * 250;
    results.push({ sequence, arrivedAtUs, knownAtUs: arrivalUs ?? nowUs + plan.delayUs });
    if (arrivalUs === undefined) lost += 1;
    sequence += 1;
  };

  for (let nowUs = 0; nowUs < seconds * 1_000_000; nowUs += STEP_US) {
    if (nowUs % 25_000 === 0) estimator.onTick(nowUs);
    while (feedbackUnderWay[0] && feedbackUnderWay[0].atUs <= nowUs) {
      estimator.onFeedback({ packets: feedbackUnderWay.shift()!.packets }, nowUs);
    }
    if (!probe) {
      const request = estimator.takeProbe(nowUs);
      if (request) probe = { request, sentBytes: 0, packets: 0, startUs: nowUs };
    }
    while (probe && nowUs >= probe.startUs + (probe.sentBytes * 8_000_000) / probe.request.rateBps) {
      const sizeBytes = Math.min(PACKET_BYTES, Math.ceil(probe.request.sizeBytes / 5));
      send(nowUs, sizeBytes, probe.request.id);
      // Media that waits is what a probe is made of, so it comes out of the same budget.
      budgetBytes = Math.max(0, budgetBytes - sizeBytes);
      probe.sentBytes += sizeBytes;
      probe.packets += 1;
      if (probe.sentBytes >= probe.request.sizeBytes && probe.packets >= 5) probe = undefined;
    }
    budgetBytes += (Math.min(estimator.targetBps, sourceMaxBps) * STEP_US) / 8_000_000;
    const packets = probe ? 0 : Math.floor(budgetBytes / PACKET_BYTES);
    for (let packet = 0; packet < packets; packet++) send(nowUs, PACKET_BYTES);
    budgetBytes -= packets * PACKET_BYTES;
    if (nowUs % FEEDBACK_US === 0) {
      const ready = results.filter((result) => result.knownAtUs <= nowUs);
      const highest = Math.max(...ready.filter((r) => r.arrivedAtUs !== undefined).map((r) => r.sequence), -1);
      const packets = results.splice(0, results.findLastIndex((result) => result.sequence <= highest) + 1);
      arrivedBytes += packets.filter((packet) => packet.arrivedAtUs !== undefined).length * PACKET_BYTES;
      const silent = silentUs && nowUs >= silentUs.fromUs && nowUs < silentUs.toUs;
      if (packets.length > 0 && !silent) feedbackUnderWay.push({ atUs: nowUs + plan.delayUs, packets });
    }
    if (nowUs % 100_000 === 0) {
      const { targetBps, reason } = estimator.snapshot;
      samples.push({
        atMs: nowUs / 1_000,
        targetBps,
        arrivedBps: arrivedBytes * 80,
        queueMs: link.queueMs(nowUs),
        reason,
      });
      arrivedBytes = 0;
    }
  }
  return { samples, sent: sequence, lost };
}

/** Mean target over a span of seconds, in bits a second. */
export function meanTargetBps(run: EstimatorRun, fromS: number, toS: number): number {
  const span = run.samples.filter((sample) => sample.atMs >= fromS * 1_000 && sample.atMs < toS * 1_000);
  return span.reduce((sum, sample) => sum + sample.targetBps, 0) / span.length;
}
