/**
 * The standing queue of the path: one-way delay above its windowed minimum. The unknown offset between both clocks
 * cancels out, and a window of seconds keeps their drift (≤ 100 ppm) below a millisecond. Unlike a delay gradient, this
 * sees a queue of constant length (as in LEDBAT, RFC 6817 section 2).
 */
import { WindowedMin } from './windowed-min.ts';

/** The base is the minimum over this many buckets: ten seconds. */
const BUCKETS = 20;
const BUCKET_US = 500_000;
/** A longer memory that a new base does not erase: a minute, in which drift stays below 6 ms. */
const MEMORY_BUCKETS = 12;
const MEMORY_BUCKET_US = 5_000_000;
/** The current delay is the minimum of the last packets: jitter only adds delay, so the minimum shows the queue. */
const RECENT_PACKETS = 8;
const RECENT_US = 60_000;
/** Above the first the path is congested, below the second clear. */
const CONGESTED_MS = 50;
const CLEAR_MS = 20;
/** The same limits in packets, where those take longer: on a slow path two packets sent together already queue. */
const CONGESTED_PACKETS = 3;
const CLEAR_PACKETS = 1.5;
/** Smoothing of the delay of an empty path; about a second of packets at 1 Mbps. */
const IDLE_WEIGHT = 1 / 64;

/** As in RFC 3550. */
const JITTER_WEIGHT = 1 / 16;

export type QueueState = 'clear' | 'filling' | 'congested';

export class QueueDelay {
  readonly #base = new WindowedMin(BUCKET_US, BUCKETS);
  readonly #memory = new WindowedMin(MEMORY_BUCKET_US, MEMORY_BUCKETS);
  /** The last packets, oldest first. */
  readonly #recentArrivedUs: number[] = [];
  readonly #recentDelayUs: number[] = [];
  #queueMs = 0;
  #standingMs = 0;
  #idleMs = 0;
  #jitterUs = 0;
  #lastDelayUs: number | undefined;

  /** Takes one received packet, in order of arrival. Each time is on its own side's clock. */
  add(sentUs: number, arrivedUs: number): void {
    const delayUs = arrivedUs - sentUs;
    this.#jitterUs += (Math.abs(delayUs - (this.#lastDelayUs ?? delayUs)) - this.#jitterUs) * JITTER_WEIGHT;
    this.#lastDelayUs = delayUs;
    this.#base.add(arrivedUs, delayUs);
    this.#memory.add(arrivedUs, delayUs);
    this.#recentArrivedUs.push(arrivedUs);
    this.#recentDelayUs.push(delayUs);
    while (
      this.#recentArrivedUs.length > RECENT_PACKETS ||
      (this.#recentArrivedUs.length > 1 && arrivedUs - this.#recentArrivedUs[0]! > RECENT_US)
    ) {
      this.#recentArrivedUs.shift();
      this.#recentDelayUs.shift();
    }
    let presentUs = Infinity;
    // Runs for every packet: an index loop, because an iterator allocates at every step.
    const recentUs = this.#recentDelayUs;
    for (let index = 0; index < recentUs.length; index++) presentUs = Math.min(presentUs, recentUs[index]!);
    this.#queueMs = Math.max(0, presentUs - this.#base.min) / 1_000;
    this.#standingMs = Math.max(0, presentUs - this.#memory.min) / 1_000;
    this.#idleMs += (Math.min(this.#queueMs, CLEAR_MS) - this.#idleMs) * IDLE_WEIGHT;
  }

  get queueMs(): number {
    return this.#queueMs;
  }

  /** The queue above the lowest delay of the last minute; `rebase` does not change it. */
  get standingMs(): number {
    return this.#standingMs;
  }

  /** Average of `queueMs` without a real queue: jitter and our own frames. */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** Delay of the path without a queue, receiver's clock minus ours; Infinity before the first packet. */
  get baseUs(): number {
    return this.#base.min;
  }

  /** Mean change of delay between successive packets (RFC 3550 section 6.4.1). */
  get jitterMs(): number {
    return this.#jitterUs / 1_000;
  }

  /** @param packetMs time that the path needs for one packet */
  state(packetMs: number): QueueState {
    if (this.#queueMs > Math.max(CONGESTED_MS, CONGESTED_PACKETS * packetMs)) return 'congested';
    return this.#queueMs < Math.max(CLEAR_MS, CLEAR_PACKETS * packetMs) ? 'clear' : 'filling';
  }

  /** Makes the current delay the new base: the path has changed, or other flows keep its queue filled. */
  rebase(): void {
    this.#base.clear();
    for (const [index, delayUs] of this.#recentDelayUs.entries())
      this.#base.add(this.#recentArrivedUs[index]!, delayUs);
    this.#queueMs = 0;
  }

  reset(): void {
    this.#base.clear();
    this.#memory.clear();
    this.#recentArrivedUs.length = 0;
    this.#recentDelayUs.length = 0;
    this.#queueMs = 0;
    this.#standingMs = 0;
  }
}
