/**
 * Finds unused capacity: requests short bursts above the target and measures from their arrival what the path carries.
 * It starts with three and six times the start rate, then 1.6 times the result while that exceeds the target. Later it
 * probes 1.5 times the target: soon when the path seems to have room, otherwise every three seconds, and less often
 * without result.
 */
import type { ProbeRequest } from '../bandwidth-estimator.ts';
import { CLUSTER_JITTERS, provenBps, type ProbePacket, type ProbePath } from './probe-rate.ts';
import type { PacketReport } from '../feedback/sent-packets.ts';

const START_FACTORS = [3, 6];
/** Multiple of a probe's result when that exceeds the target; of the target while the path is unknown. */
const STEP_FACTOR = 1.6;
/** Multiple of the target. Without spare capacity, a 30 ms cluster of this leaves 15 ms of queue. */
const PERIODIC_FACTOR = 1.5;
/** After silence: shares of the rate before it. The lower first, in case the path has changed. */
const AFTER_SILENCE_FACTORS = [0.5, 0.9];
/** A probe that proves this share of its own rate is followed by a faster one. */
const YIELD = 0.7;
/** A probe that proves less than this multiple of the target found nothing: the next pause doubles. */
const WORTH = 1.1;
const PERIOD_US = 3_000_000;
const PERIOD_MAX_US = 12_000_000;
/** After this time without a queue, at a rate that used to cause one, the path may have more room. */
const ROOMY_QUIET_MS = 1_000;
const ROOMY_PERIOD_US = 1_500_000;
/** No probes for this time after a cut. */
const CALM_US = 1_000_000;
/** Length of a cluster: enough for a rate on a calm path, and to exceed the jitter on another. */
const CLUSTER_MIN_MS = 15;
const CLUSTER_MAX_MS = 60;
/** Cluster length in jitters while the path is unknown: there is little to disturb, and much to learn. */
const HUNT_JITTERS = 6;
/** Five packets of at least this size. */
const CLUSTER_MIN_BYTES = 1_000;
/** A cluster without an answer is dropped after this time. */
const ANSWER_TIMEOUT_US = 1_500_000;
/** Delay caused by a cluster fades within this time. */
const AFTERMATH_US = 100_000;

interface Cluster extends ProbeRequest {
  askedAtUs: number;
  lastSequence: number;
  sentPackets: number;
  sentBytes: number;
  received: ProbePacket[];
}

export interface ProbeTake {
  nowUs: number;
  targetBps: number;
  maxBps: number;
  /** The queue is at its base and not being drained. */
  clear: boolean;
  cutAtUs: number | undefined;
  /** Jitter of the path: the cluster is long enough to exceed it. */
  jitterMs: number;
  /** How long the target has been used without a queue. */
  quietMs: number;
  /** The path's capacity is still unknown. */
  hunting: boolean;
}

export interface ProbeReading extends ProbePath {
  nowUs: number;
  targetBps: number;
  maxBps: number;
}

export class Probing {
  #wanted: number[] = [];
  readonly #clusters = new Map<number, Cluster>();
  #nextId = 1;
  #started = false;
  #lastAskedAtUs = 0;
  #periodUs = PERIOD_US;
  #disturbedUntilUs = -Infinity;

  /** True when `take` would have nothing to request or drop. @param full the target is at its maximum */
  rests(nowUs: number, full: boolean): boolean {
    if (!this.#started || this.#wanted.length > 0 || this.#clusters.size > 0) return false;
    return full || nowUs - this.#lastAskedAtUs < ROOMY_PERIOD_US;
  }

  /** The probe to send now, if any. */
  take(input: ProbeTake): ProbeRequest | undefined {
    const { nowUs, targetBps, maxBps, jitterMs } = input;
    this.#forget(nowUs);
    if (!this.#started) {
      this.#started = true;
      this.#wanted = START_FACTORS.map((factor) => factor * targetBps);
    }
    const calm = input.clear && (input.cutAtUs === undefined || nowUs - input.cutAtUs >= CALM_US);
    if (!calm) this.#wanted = [];
    else if (this.#wanted.length === 0 && this.#isDue(input))
      this.#wanted.push((input.hunting ? STEP_FACTOR : PERIODIC_FACTOR) * targetBps);
    const wantedBps = this.#wanted.shift();
    if (wantedBps === undefined) return undefined;
    const rateBps = Math.round(Math.min(wantedBps, maxBps));
    const jitters = input.hunting ? HUNT_JITTERS : CLUSTER_JITTERS;
    const clusterMs = Math.min(Math.max(CLUSTER_MIN_MS, jitters * jitterMs), CLUSTER_MAX_MS);
    const sizeBytes = Math.max(Math.ceil((rateBps * clusterMs) / 8_000), CLUSTER_MIN_BYTES);
    const request = { id: this.#nextId++, rateBps, sizeBytes };
    const fresh = { askedAtUs: nowUs, lastSequence: -1, sentPackets: 0, sentBytes: 0, received: [] };
    this.#clusters.set(request.id, { ...request, ...fresh });
    this.#lastAskedAtUs = nowUs;
    return request;
  }

  onSent(probeId: number, sequence: number, sizeBytes: number): void {
    const cluster = this.#clusters.get(probeId);
    if (!cluster) return;
    cluster.lastSequence = sequence;
    cluster.sentPackets += 1;
    cluster.sentBytes += sizeBytes;
  }

  onReceived({ probeId, sequence, sizeBytes, sentAtUs, arrivedAtUs }: PacketReport): void {
    if (probeId === undefined || arrivedAtUs === undefined) return;
    this.#clusters.get(probeId)?.received.push({ sequence, sizeBytes, sentAtUs, arrivedAtUs });
  }

  /** The receiver responds again; `bps` was the target before its silence. */
  afterSilence(bps: number): void {
    this.#wanted = AFTER_SILENCE_FACTORS.map((factor) => factor * bps);
    this.#periodUs = PERIOD_US;
  }

  /**
   * Evaluates clusters that feedback up to `sequence` covers completely.
   * @returns the highest rate proven, bits per second; undefined when none was
   */
  evaluate(sequence: number, reading: ProbeReading): number | undefined {
    const { nowUs, maxBps, targetBps } = reading;
    let best: number | undefined;
    for (const cluster of this.#clusters.values()) {
      const complete = cluster.sentBytes >= cluster.sizeBytes && sequence >= cluster.lastSequence;
      if (!complete) continue;
      this.#clusters.delete(cluster.id);
      this.#disturbedUntilUs = nowUs + AFTERMATH_US;
      const bps = provenBps(cluster, reading);
      const inVain = bps === undefined || bps < WORTH * targetBps;
      this.#periodUs = inVain ? Math.min(2 * this.#periodUs, PERIOD_MAX_US) : PERIOD_US;
      if (bps === undefined) continue;
      best = Math.max(best ?? 0, bps);
      if (cluster.rateBps >= maxBps) continue;
      // Jitter lowers a result: a probe that fell short of its rate but exceeded the target is worth another.
      const fasterBps = STEP_FACTOR * bps;
      const yields = !inVain || bps > YIELD * cluster.rateBps;
      if (yields && fasterBps > Math.max(...this.#wanted, 0)) this.#wanted = [fasterBps];
    }
    return best;
  }

  /** True while delay on the path may be caused by a probe. */
  disturbs(nowUs: number): boolean {
    if (nowUs < this.#disturbedUntilUs) return true;
    for (const cluster of this.#clusters.values()) {
      if (cluster.sentPackets > 0) return true;
    }
    return false;
  }

  reset(): void {
    this.#wanted = [];
    this.#clusters.clear();
  }

  #isDue({ nowUs, targetBps, maxBps, quietMs }: ProbeTake): boolean {
    if (this.#clusters.size > 0 || targetBps >= maxBps) return false;
    const periodUs = quietMs > ROOMY_QUIET_MS ? ROOMY_PERIOD_US : this.#periodUs;
    return nowUs - this.#lastAskedAtUs >= periodUs;
  }

  #forget(nowUs: number): void {
    for (const cluster of this.#clusters.values()) {
      if (nowUs - cluster.askedAtUs > ANSWER_TIMEOUT_US) this.#clusters.delete(cluster.id);
    }
  }
}
