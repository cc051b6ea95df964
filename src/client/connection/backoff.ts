/** Delay before a reconnection attempt, and a wait that ends early when the network is back. Pure except the wait. */

/** The first retry is almost immediate: most losses are a server restart or a phone that changes cells. */
const FIRST_DELAY_MS = 200;
/** With a longer delay the viewer thinks the page has given up. */
const MAX_DELAY_MS = 5_000;

/**
 * Exponential, half of it random, so that thousands of viewers of a restarted server do not reconnect at once.
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
