/**
 * Whether to ask a second worker for what the first has not delivered (Dean and Barroso, "The Tail at Scale"): once, when
 * the answer is slow by what the worker said of itself, the deadline is near, and another worker idles. Pure.
 */
export interface Waiting {
  /** Since the first worker was asked, ms. */
  waitedMs: number;
  /** What it should have taken: queue and compute, ms; 0 while unknown. */
  expectedMs: number;
  /** Until the result is needed, ms; undefined: whenever. */
  dueInMs: number | undefined;
  /** What the idle worker would take, ms; undefined if none idles. */
  otherMs: number | undefined;
  hedged: boolean;
}

/** Slow: this many times what was expected. */
const SLOW_RATIO = 2;
/** The least that counts as slow, ms: shorter waits are noise of the network. */
const SLOW_LEAST_MS = 50;
/** Near: less time left than the other worker needs, with this margin, ms. */
const NEAR_MARGIN_MS = 250;

export function shouldHedge({ waitedMs, expectedMs, dueInMs, otherMs, hedged }: Waiting): boolean {
  if (hedged || dueInMs === undefined || otherMs === undefined || expectedMs <= 0) return false;
  const isSlow = waitedMs > Math.max(SLOW_LEAST_MS, expectedMs * SLOW_RATIO);
  return isSlow && dueInMs < otherMs + NEAR_MARGIN_MS;
}
