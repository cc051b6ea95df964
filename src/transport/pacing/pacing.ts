/** How much faster than the target packets may leave, and what media get of it: a frame is smoothed without being late. */
import { BURST_MS, INITIAL_WINDOW_BYTES } from './pacer.ts';

export interface PacingRules {
  /** Multiples of the target. Before any feedback the first keyframe should simply arrive. */
  beforeFeedback: number;
  clear: number;
  /** Most that is added to that for retransmissions: they leave beside the media, not before them. */
  repairs: number;
  /** With a queue on the path. */
  queued: number;
  /** Bytes that may leave unpaced at the very start. */
  initialWindowBytes: number;
  /** What may leave at once later on. */
  burstMs: number;
}

/**
 * Clear, 1.05: media use 0.97 of a target, so a frame of average size leaves just within its interval; what
 * leaves faster than the path carries it would only wait there, where neither a keyframe nor a deadline can take it
 * back. With a queue no more than the target, so that it drains.
 */
export const PACING: PacingRules = {
  beforeFeedback: 2.5,
  clear: 1.05,
  repairs: 0.1,
  queued: 1,
  initialWindowBytes: INITIAL_WINDOW_BYTES,
  burstMs: BURST_MS,
};

/** So much of the target the allocation leaves for retransmissions anyway; with more they would queue in the pacer. */
const REPAIR_SHARE_FREE = 0.01;
/** Media keep half of a target whatever is asked for again. */
const REPAIR_SHARE_MAX = 0.5;

/**
 * What is left of a target for new media beside retransmissions; otherwise media wait for them in the pacer, and at 20%
 * loss longer than their deadline.
 * @param repairShare of the bytes sent lately, 0 to 1
 */
export const mediaTargetBps = (targetBps: number, repairShare: number): number =>
  targetBps * (1 - Math.min(Math.max(repairShare - REPAIR_SHARE_FREE, 0), REPAIR_SHARE_MAX));
