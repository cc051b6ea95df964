/**
 * Time as an argument, timers too, so that algorithms and deadlines can run in virtual time. `nowUs` is monotonic and
 * unrelated to the date. `wallMs` is Unix time, only for what leaves the machine (NTP in sender reports, logs).
 */
export interface Timer {
  /** Prevents the call. Idempotent. */
  close(): void;
}

export interface TimerOptions {
  /** The process may end without this call. Default: false. */
  background?: boolean;
}

export interface Clock {
  /** Monotonic microseconds from an arbitrary origin. */
  nowUs(): number;
  /** Unix time in milliseconds, with fraction. */
  wallMs(): number;
  /** Calls back once, after `ms`. */
  after(ms: number, callback: () => void, options?: TimerOptions): Timer;
}

export const systemClock: Clock = {
  nowUs: () => performance.now() * 1000,
  wallMs: () => performance.timeOrigin + performance.now(),
  after: (ms, callback, { background = false } = {}) => {
    const timer = setTimeout(callback, ms);
    if (background) timer.unref();
    return { close: () => clearTimeout(timer) };
  },
};

/** Calls back every `ms` until the timer is closed. */
export function every(clock: Clock, ms: number, callback: () => void, options?: TimerOptions): Timer {
  const next = (): Timer =>
    clock.after(
      ms,
      () => {
        timer = next();
        callback();
      },
      options,
    );
  let timer = next();
  return { close: () => timer.close() };
}

/** Resolves after `ms`, or as soon as the signal aborts. Never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.close();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done, options);
    signal?.addEventListener('abort', done);
  });
}
