/** A clock and timers that move only when a test moves them. */
import type { Clock } from '../../src/clock.ts';
import type { Schedule } from '../../src/transport/pacer-timer.ts';

export class VirtualTime implements Clock {
  #nowUs = 1_000_000;
  #order = 0;
  readonly #timers = new Set<{ atUs: number; order: number; callback: () => void }>();

  nowUs(): number {
    return this.#nowUs;
  }

  wallMs(): number {
    return 1_800_000_000_000 + this.#nowUs / 1_000;
  }

  get timers(): number {
    return this.#timers.size;
  }

  readonly schedule: Schedule = (callback, delayMs) => {
    const timer = { atUs: this.#nowUs + delayMs * 1_000, order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  at(atUs: number, callback: () => void): void {
    this.schedule(callback, (atUs - this.#nowUs) / 1_000);
  }

  /** Runs everything due within the next `ms`, in order. */
  advance(ms: number): void {
    const endUs = this.#nowUs + ms * 1_000;
    for (;;) {
      const [next] = [...this.#timers]
        .filter((timer) => timer.atUs <= endUs)
        .toSorted((a, b) => a.atUs - b.atUs || a.order - b.order);
      if (!next) break;
      this.#timers.delete(next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.callback();
    }
    this.#nowUs = endUs;
  }
}
