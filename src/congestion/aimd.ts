/**
 * Moves the delay-based rate: growth while the path is clear, a cut to just below the measured capacity when it is not,
 * and after a cut sending below capacity until the queue is empty (draft-ietf-rmcat-gcc-02 section 5.5, with the drain
 * phase it lacks). The capacity seen at the last cut is remembered as in CUBIC (RFC 9438): growth is careful near it and
 * gathers speed the longer no queue shows up there, because then the path has become wider.
 */
import type { EstimatorReason } from './bandwidth-estimator.ts';
import type { PathUse } from './delay/overuse.ts';
import type { QueueState } from './delay/queue-delay.ts';

/** A cut lands here, relative to the measured capacity. Media use 96% of a target, and the drain has its own share. */
const CUT = 0.96;
/** Less so on a slow path, where a reading is made of few packets: by a twentieth of a packet in the 200 ms it is taken over. */
const CUT_PER_PACKET_MS = 0.05 / 200;
/** The gradient alone, without a queue to show for it, is worth no more than this per cut. */
const GRADIENT_CUT = 0.85;
const CUT_INTERVAL_MIN_MS = 10;
const CUT_INTERVAL_MAX_MS = 200;
/** Share of the rate by which it grows in a second while the capacity is not known; feedback sees a queue within 0.3 s. */
const GROWTH = 0.5;
/** While it is known: nothing at first, then so much more with every second without a queue. */
const QUIET_FROM_MS = 700;
const QUIET_GROWTH = 0.15;
/** A queue below this is none: jitter, and the own frames. */
const QUIET_MS = 8;
/** So many times that, and it is no jitter. */
const LOUD = 2;
/** Growth fades to nothing as the queue comes near to this, or to two packets. */
const GROWTH_ENDS_MS = 12;
/** Response time beyond the round trip: the receiver's feedback interval. */
const FEEDBACK_MS = 100;
const ADDITIVE_MIN_BPS = 4_000;
/** An unused grant proves nothing: the rate may exceed what arrives by this much. */
const UNPROVEN = 1.5;
const UNPROVEN_EXTRA_BPS = 10_000;
/** Capacity known from cuts: smoothing, which readings are of another capacity, and where growth is careful. */
const CAPACITY_WEIGHT = 0.3;
const SAME = 0.2;
/** A single reading is not wrong by more than this. */
const READING_ERROR = 1.05;
const NEAR_BELOW = 0.2;
const NEAR_ABOVE = 0.1;
/** From this share of it on at half that pace: there is little to win, and a queue to lose. */
const FULL = 0.97;
/** The queue counts as drained below this. */
const DRAINED_MS = 10;
/** Aims at an empty queue after this long, within these shares of the rate. */
const DRAIN_TIME_MS = 400;
const DRAIN_SHARE_MIN = 0.5;
const DRAIN_SHARE_MAX = 0.95;
/** Without a cut, too, a queue above the first takes from the target as if to be empty after the second: encoders drift. */
const TRIM_FROM_MS = 5;
const TRIM_TIME_MS = 120;
const TRIM_MAX = 0.2;
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
  #trimShare = 1;
  #quietMs = 0;
  /** The rate is a guess: no queue has been seen yet, or none since the receiver fell silent. */
  #guessed = true;
  #cutAtUs: number | undefined;
  #updatedAtUs: number | undefined;

  constructor(startBps: number) {
    this.#bps = startBps;
  }

  /** What the path is believed to carry. */
  get bps(): number {
    return this.#bps;
  }

  /** What to send now: less than it carries while there is a queue. */
  get targetBps(): number {
    return this.#bps * (this.#drainingSinceUs === undefined ? this.#trimShare : this.#drainShare);
  }

  get drainingSinceUs(): number | undefined {
    return this.#drainingSinceUs;
  }

  /** As the last queues have shown it; undefined while none has, or the rate has outgrown it. */
  get capacityBps(): number | undefined {
    return this.#capacityBps;
  }

  /** When the rate was last cut; undefined if never. */
  get cutAtUs(): number | undefined {
    return this.#cutAtUs;
  }

  /** How long there has been no queue. */
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
      // Held below too high a rate, a queue would stand for good.
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

  /** Others fill the queue: that is no reason to send less than `bps`. */
  hold(bps: number): void {
    this.#bps = Math.max(this.#bps, bps);
    this.#drainingSinceUs = undefined;
  }

  /** Scales the rate: nothing is known any more, only that less is safer. */
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

  /** While a queue stands, capacity is measured afresh with every feedback, so repeating a cut does not compound. */
  #cut({ nowUs, capacityBps, throughputBps, packetMs }: RateInput, floorBps: number): void {
    const found = capacityBps !== undefined && this.#guessed;
    if (found) this.#guessed = false;
    const measuredBps = capacityBps === undefined ? throughputBps : this.#learn(capacityBps);
    const share = CUT - CUT_PER_PACKET_MS * packetMs;
    const cutBps = Math.max(measuredBps === undefined ? GRADIENT_CUT * this.#bps : share * measuredBps, floorBps);
    this.#bps = found ? cutBps : Math.min(this.#bps, cutBps);
    if (!found) this.#cutAtUs = nowUs;
  }

  /** @returns what to make of it, after all readings of the same capacity. */
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

/** Jitter now and then looks like a short queue: that takes back some of the quiet, and only a real queue all of it. */
function quietAfter(quietMs: number, loudness: number, elapsedMs: number): number {
  if (loudness <= 1) return quietMs + elapsedMs;
  return loudness >= LOUD ? 0 : Math.max(0, quietMs - loudness ** 2 * elapsedMs);
}
