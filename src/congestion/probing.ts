/**
 * Finds capacity that is not used: asks for short bursts above the target and reads from their arrival what the path
 * carries. Three and six times the start rate at once, twice the result while that yields, then twice the target every
 * two seconds of a clear path (libwebrtc's probe controller, with a shorter period: a 15 ms burst in 2 s costs 1.5%).
 */
import type { ProbeRequest } from './bandwidth-estimator.ts';
import type { PacketReport } from './sent-packets.ts';

const START_FACTORS = [3, 6];
const STEP_FACTOR = 2;
/** A probe that yields this much of itself is followed by a faster one. */
const YIELD = 0.7;
const PERIOD_US = 2_000_000;
/** After a cut the path is left alone for this long. */
const CALM_US = 1_000_000;
const CLUSTER_MS = 15;
/** Five packets of at least this size. */
const CLUSTER_MIN_BYTES = 1_000;
/** Share of the cluster that must have arrived. */
const ARRIVED = 0.8;
const PACKETS_MIN = 4;
/** A cluster without an answer is given up. */
const ANSWER_TIMEOUT_US = 1_500_000;
/** Delay that a cluster itself has made fades within this time. */
const AFTERMATH_US = 100_000;
/** Arriving slower than this share of the sending rate means the cluster found the bottleneck; its rate is then taken a little lower. */
const SATURATED = 0.9;
const SATURATED_MARGIN = 0.95;
/** A timer that runs late makes a burst faster than asked for; it proves no more than this. */
const OVERSPEED = 1.5;
/** Jitter that pacing and serialisation make on any path. */
const JITTER_FREE_US = 3_000;

interface Cluster extends ProbeRequest {
  askedAtUs: number;
  lastSequence: number;
  sentPackets: number;
  sentBytes: number;
  received: PacketReport[];
}

export interface ProbeTake {
  nowUs: number;
  targetBps: number;
  maxBps: number;
  /** The queue is at its base and nothing drains. */
  clear: boolean;
  cutAtUs: number | undefined;
}

export interface ProbeReading {
  nowUs: number;
  maxBps: number;
  /** Of the path: what a cluster may have been stretched or squeezed by on its way. */
  jitterMs: number;
}

export class Probing {
  #wanted: number[] = [];
  readonly #clusters = new Map<number, Cluster>();
  #nextId = 1;
  #started = false;
  #lastAskedAtUs = 0;
  #disturbedUntilUs = -Infinity;

  /** The probe to send now, if any. */
  take({ nowUs, targetBps, maxBps, clear, cutAtUs }: ProbeTake): ProbeRequest | undefined {
    this.#forget(nowUs);
    if (!this.#started) {
      this.#started = true;
      this.#wanted = START_FACTORS.map((factor) => factor * targetBps);
    }
    const calm = clear && (cutAtUs === undefined || nowUs - cutAtUs >= CALM_US);
    if (!calm) this.#wanted = [];
    const due = nowUs - this.#lastAskedAtUs >= PERIOD_US && this.#clusters.size === 0;
    if (calm && due && this.#wanted.length === 0 && targetBps < maxBps) this.#wanted.push(STEP_FACTOR * targetBps);
    const wantedBps = this.#wanted.shift();
    if (wantedBps === undefined) return undefined;
    const rateBps = Math.round(Math.min(wantedBps, maxBps));
    const sizeBytes = Math.max(Math.ceil((rateBps * CLUSTER_MS) / 8_000), CLUSTER_MIN_BYTES);
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

  onReceived(report: PacketReport): void {
    if (report.probeId !== undefined) this.#clusters.get(report.probeId)?.received.push(report);
  }

  /**
   * Reads clusters that feedback up to `sequence` has told all about.
   * @returns the highest rate proven, in bits a second; undefined when none was.
   */
  evaluate(sequence: number, { nowUs, maxBps, jitterMs }: ProbeReading): number | undefined {
    let provenBps: number | undefined;
    for (const cluster of this.#clusters.values()) {
      const complete = cluster.sentBytes >= cluster.sizeBytes && sequence >= cluster.lastSequence;
      if (!complete) continue;
      this.#clusters.delete(cluster.id);
      this.#disturbedUntilUs = nowUs + AFTERMATH_US;
      const bps = rateOf(cluster, jitterMs * 1_000);
      if (bps === undefined) continue;
      provenBps = Math.max(provenBps ?? 0, bps);
      const fasterBps = STEP_FACTOR * bps;
      const yields = bps > YIELD * cluster.rateBps && cluster.rateBps < maxBps;
      if (yields && fasterBps > Math.max(...this.#wanted, 0)) this.#wanted = [fasterBps];
    }
    return provenBps;
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

  #forget(nowUs: number): void {
    for (const cluster of this.#clusters.values()) {
      if (nowUs - cluster.askedAtUs > ANSWER_TIMEOUT_US) this.#clusters.delete(cluster.id);
    }
  }
}

/** The rate a cluster proves: the slower of sending and receiving. */
function rateOf({ received, rateBps, sentPackets, sentBytes }: Cluster, jitterUs: number): number | undefined {
  const bytes = received.reduce((sum, packet) => sum + packet.sizeBytes, 0);
  if (received.length < Math.max(PACKETS_MIN, ARRIVED * sentPackets) || bytes < ARRIVED * sentBytes) return undefined;
  const bySending = received.toSorted((a, b) => a.sentAtUs - b.sentAtUs || a.sequence - b.sequence);
  const byArrival = received.toSorted((a, b) => a.arrivedAtUs! - b.arrivedAtUs! || a.sequence - b.sequence);
  const sendSpanUs = bySending.at(-1)!.sentAtUs - bySending[0]!.sentAtUs;
  const arrivalSpanUs = byArrival.at(-1)!.arrivedAtUs! - byArrival[0]!.arrivedAtUs!;
  // The last packet sent ends the sending span, the first received starts the arrival span: neither fills it.
  const sendBps = rateOver(bytes - bySending.at(-1)!.sizeBytes, sendSpanUs);
  const arrivalBps = rateOver(bytes - byArrival[0]!.sizeBytes, arrivalSpanUs + Math.max(0, jitterUs - JITTER_FREE_US));
  const slower = Math.min(sendBps, arrivalBps, OVERSPEED * rateBps);
  return arrivalBps < SATURATED * sendBps ? SATURATED_MARGIN * slower : slower;
}

const rateOver = (bytes: number, spanUs: number): number => (spanUs <= 0 ? Infinity : (bytes * 8_000_000) / spanUs);
