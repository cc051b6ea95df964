/** How long to wait before the next attempt, and a wait that ends early when the network comes back. Pure but for the wait. */

/** The first retry is nearly at once: most losses are a server that restarts or a phone that changes cells. */
const FIRST_DELAY_MS = 200;
/** Longer than this and a viewer thinks nothing is happening. */
const MAX_DELAY_MS = 5_000;

/**
 * Exponential with half of it random, so that thousands of viewers of a restarted server do not come back as one.
 * @param attempt from 0
 * @param random 0 … 1
 * @returns ms
 */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (ceiling / 2) * random;
}

/** Resolves after `delayMs`, or as soon as the browser is online again or `signal` aborts. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      globalThis.removeEventListener?.('online', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done);
    globalThis.addEventListener?.('online', done);
    if (signal.aborted) done();
  });
}
