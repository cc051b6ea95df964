/** How much faster than the target packets may leave: what smooths a frame over time without making it late. */
import { INITIAL_WINDOW_BYTES } from './pacer.ts';

export interface PacingRules {
  /** Multiples of the target. Before any feedback the first keyframe should simply arrive. */
  beforeFeedback: number;
  clear: number;
  /** With a queue on the path. */
  queued: number;
  /** Bytes that may leave unpaced at the very start. */
  initialWindowBytes: number;
}

/**
 * Clear, 1.1: media use 0.96 of a target, so a frame of average size leaves within nine tenths of its interval; what
 * leaves faster than the path carries it would only wait there, where neither a keyframe nor a deadline can take it
 * back. With a queue no more than the target, so that it drains.
 */
export const PACING: PacingRules = {
  beforeFeedback: 2.5,
  clear: 1.1,
  queued: 1,
  initialWindowBytes: INITIAL_WINDOW_BYTES,
};
