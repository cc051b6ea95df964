/** The pacing rate as a multiple of the target, and the share of it for media: smooths frames without delaying them. */
import { BURST_MS, INITIAL_WINDOW_BYTES } from './pacer.ts';

export interface PacingRules {
  /** Multiples of the target. Before any feedback the first keyframe should arrive quickly. */
  beforeFeedback: number;
  clear: number;
  /** Most that retransmissions add: they leave beside the media, not before them. */
  repairs: number;
  /** While there is a queue on the path. */
  queued: number;
  /** Bytes that may leave unpaced at the start. */
  initialWindowBytes: number;
  /** Amount that may leave at once later, ms. */
  burstMs: number;
}

/**
 * Clear, 1.05: media use 0.97 of the target, so an average frame leaves just within its interval. A faster burst would
 * wait on the path, where no keyframe and no deadline can remove it. With a queue on the path the rate is the target,
 * so that the queue drains.
 */
export const PACING: PacingRules = {
  beforeFeedback: 2.5,
  clear: 1.05,
  repairs: 0.1,
  queued: 1,
  initialWindowBytes: INITIAL_WINDOW_BYTES,
  burstMs: BURST_MS,
};
