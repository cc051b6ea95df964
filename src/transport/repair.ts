/**
 * How many copies answer a request for a lost packet. Each round of requests costs the viewer a round trip of waiting, and
 * a frame has several packets: at 5% loss every sixtieth would need a second round, and all pictures would have to be held
 * back for it. A second copy of what was lost costs as much of the rate as is lost, and leaves a second round to one frame
 * in a thousand. Pure.
 */

/** Loss of the path from which on one copy is not enough. */
const LOSSY = 0.02;
const FIRST_ROUND = 2;
/** What was lost with all its copies is late already, and rare. */
const LATER_ROUNDS = 3;

/** A queue from which on losses are taken for its overflow: it ends with the queue, and copies only lengthen that. */
const PASSING_QUEUE_MS = 50;

export interface Losses {
  lossRatio: number;
  /** Standing queue of the path. */
  queueMs: number;
  /** Others keep the queue filled. */
  competing: boolean;
}

/** Losses of a queue that overflows, which pass, rather than of the path. */
export const arePassing = ({ queueMs, competing }: Omit<Losses, 'lossRatio'>): boolean =>
  queueMs > PASSING_QUEUE_MS && !competing;

/** @param copiesSent before this request. */
export function copiesFor(copiesSent: number, losses: Losses): number {
  if (losses.lossRatio < LOSSY || arePassing(losses)) return 1;
  return copiesSent === 0 ? FIRST_ROUND : LATER_ROUNDS;
}
