/**
 * Time as an argument, so that algorithms can run in virtual time. `nowUs` is monotonic and unrelated to the date.
 * `wallMs` is Unix time, only for what leaves the machine (NTP in sender reports, logs).
 */
export interface Clock {
  /** Monotonic microseconds from an arbitrary origin. */
  nowUs(): number;
  /** Unix time in milliseconds, with fraction. */
  wallMs(): number;
}

export const systemClock: Clock = {
  nowUs: () => performance.now() * 1000,
  wallMs: () => performance.timeOrigin + performance.now(),
};
