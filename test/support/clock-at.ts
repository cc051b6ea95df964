/** Clocks for tests that hold no timers of their own; with timers, `VirtualTime` of bench/link. */
import type { Clock, Timer } from '../../src/clock.ts';

/** A clock that a test sets by hand. */
export const clockAt = (nowUs: () => number, wallMs: () => number = () => 0): Clock => ({
  nowUs,
  wallMs,
  after: () => {
    throw new Error('this clock has no timers');
  },
});

/** A clock that never waits: a timer moves it, and calls back at once. */
export class SkippingClock implements Clock {
  us = 0;
  /** What was waited for, in order. */
  readonly waitsMs: number[] = [];

  nowUs(): number {
    return this.us;
  }

  wallMs(): number {
    return this.us / 1_000;
  }

  after(ms: number, callback: () => void): Timer {
    let closed = false;
    this.waitsMs.push(ms);
    this.us += ms * 1_000;
    queueMicrotask(() => {
      if (!closed) callback();
    });
    return { close: () => (closed = true) };
  }
}
