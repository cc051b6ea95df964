/** A clock that a test sets by hand. It has no timers: what waits needs `VirtualTime` of bench/link. */
import type { Clock } from '../../src/clock.ts';

export const clockAt = (nowUs: () => number, wallMs: () => number = () => 0): Clock => ({
  nowUs,
  wallMs,
  after: () => {
    throw new Error('this clock has no timers');
  },
});
