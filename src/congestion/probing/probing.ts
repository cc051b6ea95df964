/**
 * Finds capacity that is not used: asks for short bursts above the target and reads from their arrival what the path
 * carries. Three and six times the start rate at once, and 1.6 times the result while that shows more than is used. Then
 * 1.5 times the target: soon when the path looks roomy, else every three seconds, and less often while that finds nothing.
 */
import type { ProbeRequest } from '../bandwidth-estimator.ts';
import { CLUSTER_JITTERS, provenBps, type ProbePacket, type ProbePath } from './probe-rate.ts';
import type { PacketReport } from '../feedback/sent-packets.ts';

const START_FACTORS = [3, 6];
/** Of what a probe has shown, when that is more than is used; of the target, while nothing is known of the path. */
const STEP_FACTOR = 1.6;
/** Of the target. Where there is no room, a 30 ms cluster of this leaves 15 ms of queue. */
const PERIODIC_FACTOR = 1.5;
/** After silence: of the rate before it. The lower first, in case the path is no longer what it was. */
const AFTER_SILENCE_FACTORS = [0.5, 0.9];
/** A probe that yields this much of itself is followed by a faster one. */
const YIELD = 0.7;
/** A probe that shows less than this share of the target was in vain: the pause before the next one doubles. */
const WORTH = 1.1;
const PERIOD_US = 3_000_000;
const PERIOD_MAX_US = 12_000_000;
/** With this long without a queue, at a rate that used to make one, there may be room at any time. */
const ROOMY_QUIET_MS = 1_000;
const ROOMY_PERIOD_US = 1_500_000;
/** After a cut the path is left alone for this long. */
const CALM_US = 1_000_000;
/** Length of a cluster: enough for a rate on a calm path, and to stand out of the jitter on another. */
const CLUSTER_MIN_MS = 15;
const CLUSTER_MAX_MS = 60;
/** Jitters that a cluster spans while nothing is known of the path: there is little to disturb, and much to learn. */
const HUNT_JITTERS = 6;
/** Five packets of at least this size. */
const CLUSTER_MIN_BYTES = 1_000;
/** A cluster without an answer is given up. */
const ANSWER_TIMEOUT_US = 1_500_000;
/** Delay that a cluster itself has made fades within this time. */
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
  /** The queue is at its base and nothing drains. */
  clear: boolean;
  cutAtUs: number | undefined;
  /** Of the path: the cluster is made long enough to stand out of it. */
  jitterMs: number;
  /** How long the target has been in use without a queue. */
  quietMs: number;
  /** Nothing has shown yet what the path carries. */
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

  /** True when `take` would find nothing to ask for and nothing to forget. @param full the target is all there may be. */
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

  /** The receiver is heard again, and the target fell from `bps` while it was not. */
  afterSilence(bps: number): void {
    this.#wanted = AFTER_SILENCE_FACTORS.map((factor) => factor * bps);
    this.#periodUs = PERIOD_US;
  }

  /**
   * Reads clusters that feedback up to `sequence` has told all about.
   * @returns the highest rate proven, in bits a second; undefined when none was.
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
      // Jitter lowers what a probe shows: one that fell short of itself but showed more than is used is worth a second look.
      const fasterBps = STEP_FACTOR * bps;
      const yields = !inVain || bps > YIELD * cluster.rateBps;
      if (yields && fasterBps > Math.max(...this.#wanted, 0)) this.#wanted = [fasterBps];
    }
    return best;
  }

  /** True while delay on the path may be a probe's own doing. */
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
