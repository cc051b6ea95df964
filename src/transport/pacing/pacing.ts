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

/** Share that the allocation leaves for retransmissions; more of them would queue in the pacer. */
const REPAIR_SHARE_FREE = 0.01;
/** Most that retransmissions take: media keep half of the target. */
const REPAIR_SHARE_MAX = 0.5;

/**
 * The share of a target for new media beside retransmissions. Without it media wait in the pacer, at 20% loss longer
 * than their deadline.
 * @param repairShare share of recently sent bytes that were retransmissions, 0 to 1
 */
export const mediaTargetBps = (targetBps: number, repairShare: number): number =>
  targetBps * (1 - Math.min(Math.max(repairShare - REPAIR_SHARE_FREE, 0), REPAIR_SHARE_MAX));
