/**
 * Controls the delay-based rate: it grows while the path is clear, is cut to just below the measured capacity when not,
 * and then stays below capacity until the queue is empty (draft-ietf-rmcat-gcc-02 section 5.5, with a drain phase
 * added). It remembers the capacity at the last cut as CUBIC does (RFC 9438): near it growth is slow, and speeds up the
 * longer no queue appears, because then the path has become wider.
 */
import type { EstimatorReason } from './bandwidth-estimator.ts';
import type { PathUse } from './delay/overuse.ts';
import type { QueueState } from './delay/queue-delay.ts';

/** Rate after a cut, relative to the measured capacity. Media use 96% of a target; the drain has a share of its own. */
const CUT = 0.96;
/** Lower on a slow path, where a reading has few packets: by 1/20 packet per 200 ms, the time of a reading. */
const CUT_PER_PACKET_MS = 0.05 / 200;
/** The largest cut for the gradient alone, without a queue. */
const GRADIENT_CUT = 0.85;
const CUT_INTERVAL_MIN_MS = 10;
const CUT_INTERVAL_MAX_MS = 200;
/** Growth per second while the capacity is unknown; feedback shows a queue within 0.3 s. */
const GROWTH = 0.5;
/** While it is known: no growth at first, then this much more for every second without a queue. */
const QUIET_FROM_MS = 700;
const QUIET_GROWTH = 0.15;
/** A smaller queue counts as none: it is jitter and our own frames. */
const QUIET_MS = 8;
/** A queue of this many times `QUIET_MS` is no jitter. */
const LOUD = 2;
/** Growth falls to zero as the queue approaches this, or two packets. */
const GROWTH_ENDS_MS = 12;
/** Response time beyond the round trip: the receiver's feedback interval. */
const FEEDBACK_MS = 100;
const ADDITIVE_MIN_BPS = 4_000;
/** The rate may exceed the throughput by this much: an unused rate proves nothing. */
const UNPROVEN = 1.5;
const UNPROVEN_EXTRA_BPS = 10_000;
/** Capacity known from cuts: smoothing, the tolerance for readings of the same capacity, and where growth is slow. */
const CAPACITY_WEIGHT = 0.3;
const SAME = 0.2;
/** Largest error of a single reading. */
const READING_ERROR = 1.05;
const NEAR_BELOW = 0.2;
const NEAR_ABOVE = 0.1;
/** Above this share of the capacity growth is half as fast: there is little to gain, and a queue to risk. */
const FULL = 0.97;
/** A smaller queue counts as drained. */
const DRAINED_MS = 10;
/** Aims at an empty queue after this time, within these shares of the rate. */
const DRAIN_TIME_MS = 400;
const DRAIN_SHARE_MIN = 0.5;
const DRAIN_SHARE_MAX = 0.95;
/** Without a cut, a queue above the first lowers the target so that it is empty after the second: encoders drift. */
const TRIM_FROM_MS = 5;
const TRIM_TIME_MS = 120;
const TRIM_MAX = 0.2;
/** Longest interval that one step counts: a late step must not grow by a second's worth. */
const STEP_MAX_MS = 250;

export interface RateInput {
  nowUs: number;
  /** Verdict of the delay gradient. */
  use: PathUse;
  queue: QueueState;
  queueMs: number;
  throughputBps: number | undefined;
  /** Rate at which the path serves a queue that is not empty. */
  capacityBps: number | undefined;
  rttMs: number;
  packetBytes: number;
  /** Time that the path needs for one packet. */
  packetMs: number;
}

export class RateControl {
  #bps: number;
  #capacityBps: number | undefined;
  #drainingSinceUs: number | undefined;
  #drainShare = 1;
  #trimShare = 1;
  #quietMs = 0;
  /** The rate is a guess: no queue has been seen yet, or none since the receiver fell silent. */
  #guessed = true;
  #cutAtUs: number | undefined;
  #updatedAtUs: number | undefined;

  constructor(startBps: number) {
    this.#bps = startBps;
  }

  /** Estimated rate of the path. */
  get bps(): number {
    return this.#bps;
  }

  /** Rate to send at now: lower than `bps` while there is a queue. */
  get targetBps(): number {
    return this.#bps * (this.#drainingSinceUs === undefined ? this.#trimShare : this.#drainShare);
  }

  get drainingSinceUs(): number | undefined {
    return this.#drainingSinceUs;
  }

  /** Capacity measured from the last queues; undefined before one, or when the rate has outgrown it. */
  get capacityBps(): number | undefined {
    return this.#capacityBps;
  }

  /** Time of the last cut; undefined before one. */
  get cutAtUs(): number | undefined {
    return this.#cutAtUs;
  }

  /** Time without a queue. */
  get quietMs(): number {
    return this.#quietMs;
  }

  update(input: RateInput): EstimatorReason {
    const { nowUs, queueMs, packetMs } = input;
    const elapsedMs = Math.min((nowUs - (this.#updatedAtUs ?? nowUs)) / 1_000, STEP_MAX_MS);
    this.#updatedAtUs = nowUs;
    this.#quietMs = quietAfter(this.#quietMs, queueMs / Math.max(QUIET_MS, packetMs), elapsedMs);
    this.#trimShare = 1 - Math.min(Math.max(queueMs - Math.max(TRIM_FROM_MS, packetMs), 0) / TRIM_TIME_MS, TRIM_MAX);
    if (input.queue === 'congested') {
      if (input.capacityBps !== undefined || this.#drainingSinceUs === undefined) this.#cut(input, 0);
      return this.#drain(input, 'queue');
    }
    if (this.#drainingSinceUs !== undefined && queueMs > Math.max(DRAINED_MS, packetMs)) {
      // A queue would stand for ever if the drain stayed below a rate that is too high.
      if (input.capacityBps !== undefined && this.#bps > input.capacityBps && this.#mayCut(input)) this.#cut(input, 0);
      return this.#drain(input, 'drain');
    }
    this.#drainingSinceUs = undefined;
    if (input.use === 'overuse') {
      if (!this.#mayCut(input)) return 'hold';
      this.#cut(input, GRADIENT_CUT * this.#bps);
      return this.#drain(input, 'overuse');
    }
    if ((input.use === 'underuse' && queueMs > QUIET_MS) || input.queue !== 'clear') return 'hold';
    return this.#increase(input, elapsedMs) ? 'increase' : 'hold';
  }

  /** A probe has shown that the path carries `bps`. */
  raiseTo(bps: number): boolean {
    if (bps <= this.#bps) return false;
    this.#bps = bps;
    if (this.#capacityBps !== undefined && bps > this.#capacityBps * (1 + SAME)) this.#capacityBps = undefined;
    return true;
  }

  /** Losses have shown that the path carries no more than `bps`. */
  lowerTo(bps: number): void {
    this.#bps = Math.min(this.#bps, bps);
    this.#capacityBps = this.#bps;
  }

  /** Other flows fill the queue: keeps the rate at `bps` at least. */
  hold(bps: number): void {
    this.#bps = Math.max(this.#bps, bps);
    this.#drainingSinceUs = undefined;
  }

  /** Scales the rate, which then counts as a guess. */
  scale(factor: number): void {
    this.#bps *= factor;
    this.#guessed = true;
  }

  limit(minBps: number, maxBps: number): void {
    this.#bps = Math.min(Math.max(this.#bps, minBps), maxBps);
  }

  endDrain(): void {
    this.#drainingSinceUs = undefined;
  }

  #mayCut({ nowUs, rttMs }: RateInput): boolean {
    const intervalMs = Math.min(Math.max(rttMs, CUT_INTERVAL_MIN_MS), CUT_INTERVAL_MAX_MS);
    return this.#cutAtUs === undefined || nowUs - this.#cutAtUs >= intervalMs * 1_000;
  }

  /** While a queue stands, every feedback measures the capacity again, so repeated cuts do not compound. */
  #cut({ nowUs, capacityBps, throughputBps, packetMs }: RateInput, floorBps: number): void {
    const found = capacityBps !== undefined && this.#guessed;
    if (found) this.#guessed = false;
    const measuredBps = capacityBps === undefined ? throughputBps : this.#learn(capacityBps);
    const share = CUT - CUT_PER_PACKET_MS * packetMs;
    const cutBps = Math.max(measuredBps === undefined ? GRADIENT_CUT * this.#bps : share * measuredBps, floorBps);
    this.#bps = found ? cutBps : Math.min(this.#bps, cutBps);
    if (!found) this.#cutAtUs = nowUs;
  }

  /** @returns the estimate from all readings of the same capacity */
  #learn(capacityBps: number): number {
    const known = this.#capacityBps;
    const same = known !== undefined && Math.abs(capacityBps / known - 1) <= SAME;
    this.#capacityBps = same ? known + CAPACITY_WEIGHT * (capacityBps - known) : capacityBps;
    return Math.min(this.#capacityBps, READING_ERROR * capacityBps);
  }

  #drain({ nowUs, queueMs }: RateInput, reason: EstimatorReason): EstimatorReason {
    this.#drainingSinceUs ??= nowUs;
    this.#drainShare = Math.min(Math.max(1 - queueMs / DRAIN_TIME_MS, DRAIN_SHARE_MIN), DRAIN_SHARE_MAX);
    return reason;
  }

  #increase({ throughputBps, rttMs, packetBytes, queueMs, packetMs }: RateInput, elapsedMs: number): boolean {
    const quietMs = this.#quietMs - QUIET_FROM_MS;
    const fill = this.#bps / (this.#capacityBps ?? Infinity);
    if (quietMs > 0 && fill > 1 + NEAR_ABOVE) this.#capacityBps = undefined;
    const near = fill > 1 - NEAR_BELOW && fill < 1 + NEAR_ABOVE;
    const growth =
      this.#capacityBps === undefined || fill < 1 - NEAR_BELOW
        ? GROWTH
        : Math.min(GROWTH, (QUIET_GROWTH * Math.max(0, quietMs)) / 1_000);
    const room = Math.max(0, 1 - queueMs / Math.max(GROWTH_ENDS_MS, 2 * packetMs));
    const additiveBps = near ? ((fill > FULL ? 250 : 500) * packetBytes * 8) / (rttMs + FEEDBACK_MS) : 0;
    const aSecondBps = Math.max(this.#bps * growth * room, additiveBps, ADDITIVE_MIN_BPS);
    const grownBps = this.#bps + (aSecondBps * elapsedMs) / 1_000;
    const provenBps = throughputBps === undefined ? Infinity : UNPROVEN * throughputBps + UNPROVEN_EXTRA_BPS;
    if (grownBps > provenBps) return false;
    this.#bps = grownBps;
    return true;
  }
}

/** Jitter can look like a short queue: it takes back part of the quiet time, and only a real queue all of it. */
function quietAfter(quietMs: number, loudness: number, elapsedMs: number): number {
  if (loudness <= 1) return quietMs + elapsedMs;
  return loudness >= LOUD ? 0 : Math.max(0, quietMs - loudness ** 2 * elapsedMs);
}
