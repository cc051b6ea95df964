/**
 * A clock and timers that move only when told to: minutes of network pass in as long as their events take to compute.
 * Events of the same instant run in the order in which they were scheduled, so a run is the same every time.
 */
import type { Clock, Timer } from '../../src/clock.ts';

interface Entry {
  atUs: number;
  order: number;
  callback: (() => void) | undefined;
}

/** Wall time of instant 0, Unix ms: some day in 2027. */
const WALL_ORIGIN_MS = 1_800_000_000_000;

export class VirtualTime implements Clock {
  #nowUs: number;
  #order = 0;
  #live = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Entry[] = [];

  constructor(startUs = 1_000_000) {
    this.#nowUs = startUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  wallMs(): number {
    return WALL_ORIGIN_MS + this.#nowUs / 1_000;
  }

  /** How many timers wait; for leak tests. */
  get timers(): number {
    return this.#live;
  }

  after(ms: number, callback: () => void): Timer {
    return this.#add(this.#nowUs + ms * 1_000, callback);
  }

  at(atUs: number, callback: () => void): void {
    this.#add(atUs, callback);
  }

  /** Runs everything due within the next `ms`, in order. */
  advance(ms: number): void {
    const endUs = this.#nowUs + ms * 1_000;
    for (let next = this.#heap[0]; next && next.atUs <= endUs; next = this.#heap[0]) {
      this.#pop();
      const { callback } = next;
      if (!callback) continue;
      this.#live -= 1;
      next.callback = undefined;
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      callback();
    }
    this.#nowUs = endUs;
  }

  #add(atUs: number, callback: () => void): Timer {
    const timer: Entry = { atUs, order: this.#order++, callback };
    this.#live += 1;
    this.#push(timer);
    return {
      close: () => {
        if (timer.callback) this.#live -= 1;
        timer.callback = undefined;
      },
    };
  }

  #push(timer: Entry): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && before(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (a: Entry, b: Entry): boolean => a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
