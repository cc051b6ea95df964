/**
 * Moves the delay-based rate: additive or multiplicative increase while the path is clear, a cut to just below the
 * measured capacity when it is not, and after a cut sending below capacity until the queue is empty (draft-ietf-rmcat-gcc-02
 * section 5.5, with the drain phase it lacks).
 */
import type { EstimatorReason } from './bandwidth-estimator.ts';
import type { PathUse } from './overuse.ts';
import type { QueueState } from './queue-delay.ts';

/** A cut lands here, relative to the measured capacity: what is left over drains the queue. */
const CUT = 0.9;
/** The gradient alone, without a queue to show for it, is worth no more than this per cut. */
const GRADIENT_CUT = 0.85;
const CUT_INTERVAL_MIN_MS = 10;
const CUT_INTERVAL_MAX_MS = 200;
/** Per second, while the capacity is not known. */
const GROWTH = 1.08;
/** Response time beyond the round trip: the receiver's feedback interval. */
const FEEDBACK_MS = 100;
const ADDITIVE_MIN_BPS = 4_000;
/** An unused grant proves nothing: the rate may exceed what arrives by this much. */
const UNPROVEN = 1.5;
const UNPROVEN_EXTRA_BPS = 10_000;
/** Capacity known from cuts: smoothing, and how near to it growth is careful. */
const CAPACITY_WEIGHT = 0.3;
const NEAR = 0.2;
/** The queue counts as drained below this. */
const DRAINED_MS = 10;
/** Aims at an empty queue after this long, within these shares of the rate. */
const DRAIN_TIME_MS = 700;
const DRAIN_SHARE_MIN = 0.5;
const DRAIN_SHARE_MAX = 0.95;
/** A quarter of the way through a typical frame interval is no reason to grow by a second's worth. */
const STEP_MAX_MS = 250;

export interface RateInput {
  nowUs: number;
  /** Of the delay gradient. */
  use: PathUse;
  queue: QueueState;
  queueMs: number;
  throughputBps: number | undefined;
  /** Rate at which a queue that is not empty is being served. */
  capacityBps: number | undefined;
  rttMs: number;
  packetBytes: number;
  /** How long the path needs for one packet. */
  packetMs: number;
}

export class RateControl {
  #bps: number;
  #capacityBps: number | undefined;
  #drainingSinceUs: number | undefined;
  #drainShare = 1;
  #cutAtUs: number | undefined;
  #updatedAtUs: number | undefined;

  constructor(startBps: number) {
    this.#bps = startBps;
  }

  /** What the path is believed to carry. */
  get bps(): number {
    return this.#bps;
  }

  /** What to send now: less than it carries while a queue drains. */
  get targetBps(): number {
    return this.#drainingSinceUs === undefined ? this.#bps : this.#bps * this.#drainShare;
  }

  get drainingSinceUs(): number | undefined {
    return this.#drainingSinceUs;
  }

  /** When the rate was last cut; undefined if never. */
  get cutAtUs(): number | undefined {
    return this.#cutAtUs;
  }

  update(input: RateInput): EstimatorReason {
    const elapsedMs = Math.min((input.nowUs - (this.#updatedAtUs ?? input.nowUs)) / 1_000, STEP_MAX_MS);
    this.#updatedAtUs = input.nowUs;
    if (input.queue === 'congested') {
      if (input.capacityBps !== undefined || this.#drainingSinceUs === undefined) this.#cut(input, 0);
      return this.#drain(input, 'queue');
    }
    if (this.#drainingSinceUs !== undefined && input.queueMs > Math.max(DRAINED_MS, input.packetMs)) {
      return this.#drain(input, 'drain');
    }
    this.#drainingSinceUs = undefined;
    if (input.use === 'overuse') {
      if (!this.#mayCut(input)) return 'hold';
      this.#cut(input, GRADIENT_CUT * this.#bps);
      return this.#drain(input, 'overuse');
    }
    if (input.use === 'underuse' || input.queue !== 'clear') return 'hold';
    return this.#increase(input, elapsedMs) ? 'increase' : 'hold';
  }

  /** A probe has shown that the path carries `bps`. */
  raiseTo(bps: number): boolean {
    if (bps <= this.#bps) return false;
    this.#bps = bps;
    if (this.#capacityBps !== undefined && bps > this.#capacityBps * (1 + NEAR)) this.#capacityBps = undefined;
    return true;
  }

  /** Scales the rate: nothing is known any more, only that less is safer. */
  scale(factor: number): void {
    this.#bps *= factor;
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

  /** While a queue stands, capacity is measured afresh with every feedback, so repeating a cut does not compound. */
  #cut({ nowUs, capacityBps, throughputBps }: RateInput, floorBps: number): void {
    const measuredBps = capacityBps ?? throughputBps;
    const cutBps = Math.max(measuredBps === undefined ? GRADIENT_CUT * this.#bps : CUT * measuredBps, floorBps);
    if (capacityBps !== undefined) {
      this.#capacityBps =
        this.#capacityBps === undefined || Math.abs(capacityBps / this.#capacityBps - 1) > NEAR
          ? capacityBps
          : this.#capacityBps + CAPACITY_WEIGHT * (capacityBps - this.#capacityBps);
    }
    this.#bps = Math.min(this.#bps, cutBps);
    this.#cutAtUs = nowUs;
  }

  #drain({ nowUs, queueMs }: RateInput, reason: EstimatorReason): EstimatorReason {
    this.#drainingSinceUs ??= nowUs;
    this.#drainShare = Math.min(Math.max(1 - queueMs / DRAIN_TIME_MS, DRAIN_SHARE_MIN), DRAIN_SHARE_MAX);
    return reason;
  }

  #increase({ throughputBps, rttMs, packetBytes }: RateInput, elapsedMs: number): boolean {
    if (this.#capacityBps !== undefined && (throughputBps ?? 0) > this.#capacityBps * (1 + NEAR)) {
      this.#capacityBps = undefined;
    }
    const near = this.#capacityBps !== undefined && Math.abs(this.#bps / this.#capacityBps - 1) < NEAR;
    const additiveBps = Math.max((packetBytes * 8 * 500) / (rttMs + FEEDBACK_MS), ADDITIVE_MIN_BPS);
    const grownBps = near
      ? this.#bps + (additiveBps * elapsedMs) / 1_000
      : Math.max(this.#bps * GROWTH ** (elapsedMs / 1_000), this.#bps + (ADDITIVE_MIN_BPS * elapsedMs) / 1_000);
    const provenBps = throughputBps === undefined ? Infinity : UNPROVEN * throughputBps + UNPROVEN_EXTRA_BPS;
    if (grownBps > provenBps) return false;
    this.#bps = grownBps;
    return true;
  }
}
