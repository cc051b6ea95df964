/**
 * How many copies answer a request for a lost packet. Each round of requests makes the viewer wait a round trip, and a
 * frame has several packets: at 5% loss one frame in sixty would need a second round, and all pictures would be delayed
 * for it. A second copy costs as much rate again as is lost, and only one frame in a thousand needs a second round.
 * Pure.
 */

/** Path loss above which one copy is not enough. */
const LOSSY = 0.02;
const FIRST_ROUND = 2;
/** A packet lost with all its copies is late already, and rare. */
const LATER_ROUNDS = 3;

/** Queue above which losses count as its overflow: they end with the queue, and copies would only lengthen it. */
const PASSING_QUEUE_MS = 50;

export interface Losses {
  lossRatio: number;
  /** Standing queue of the path. */
  queueMs: number;
  /** Other flows keep the queue filled. */
  competing: boolean;
}

/** True for losses of an overflowing queue, which pass, as opposed to those of the path. */
export const arePassing = ({ queueMs, competing }: Omit<Losses, 'lossRatio'>): boolean =>
  queueMs > PASSING_QUEUE_MS && !competing;

/** @param copiesSent before this request */
export function copiesFor(copiesSent: number, losses: Losses): number {
  if (losses.lossRatio < LOSSY || arePassing(losses)) return 1;
  return copiesSent === 0 ? FIRST_ROUND : LATER_ROUNDS;
}
