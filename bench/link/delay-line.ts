/**
 * Datagrams on their way: handed in with the time they are due, handed out then, in the order they came. Node's timers
 * have steps of a millisecond, so each wake-up delivers all that has become due, and how late that was is counted.
 */
import type { Clock } from '../../src/clock.ts';

export interface DelayLineOptions {
  clock: Clock;
  /** More than this on the way at once are refused. */
  capacity: number;
}

/** How late datagrams were delivered, ms: the error of the driver. */
export interface Lateness {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

const LATE_BIN_MS = 0.1;
/** Everything later is in the last bin; `maxMs` is exact. */
const LATE_BINS = 1_000;
/** The front of the list is cut off when so many entries of it are spent. */
const SPENT_MAX = 1_024;

export class DelayLine {
  readonly #options: DelayLineOptions;
  readonly #lateness = new Uint32Array(LATE_BINS);
  #waiting: { dueUs: number; deliver: () => void }[] = [];
  #first = 0;
  #lastDueUs = -Infinity;
  #latestMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DelayLineOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  /** False when the line is full or closed. A datagram that is due before the one ahead of it waits for that. */
  push(dueUs: number, deliver: () => void): boolean {
    if (this.#closed || this.length >= this.#options.capacity) return false;
    this.#lastDueUs = Math.max(this.#lastDueUs, dueUs);
    this.#waiting.push({ dueUs: this.#lastDueUs, deliver });
    if (this.length === 1) this.#sleep();
    return true;
  }

  get lateness(): Lateness {
    const total = this.#lateness.reduce((sum, count) => sum + count, 0);
    const quantile = (share: number): number => {
      let left = share * total;
      const bin = this.#lateness.findIndex((count) => (left -= count) <= 0);
      return total === 0 ? 0 : Math.round((bin + 1) * LATE_BIN_MS * 10) / 10;
    };
    const maxMs = Math.round(this.#latestMs * 10) / 10;
    return { p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99), maxMs };
  }

  /** Forgets what is still on the way. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#first = 0;
  }

  #sleep(): void {
    const next = this.#waiting[this.#first];
    if (next === undefined || next.dueUs === Infinity) return;
    const leftMs = Math.ceil((next.dueUs - this.#options.clock.nowUs()) / 1_000);
    this.#timer = setTimeout(() => this.#wake(), Math.max(leftMs, 0));
  }

  #wake(): void {
    for (let next = this.#waiting[this.#first]; next !== undefined; next = this.#waiting[this.#first]) {
      const lateMs = (this.#options.clock.nowUs() - next.dueUs) / 1_000;
      if (lateMs < 0) break;
      this.#first++;
      this.#count(lateMs);
      next.deliver();
    }
    if (this.#first > SPENT_MAX || this.length === 0) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    this.#sleep();
  }

  #count(lateMs: number): void {
    this.#lateness[Math.min(Math.floor(lateMs / LATE_BIN_MS), LATE_BINS - 1)]! += 1;
    this.#latestMs = Math.max(this.#latestMs, lateMs);
  }
}
