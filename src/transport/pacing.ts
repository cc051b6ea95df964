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
 * Clear, 1.5: at 12 frames a second a frame of average size leaves in two thirds of its interval. With a queue no more
 * than keeps up.
 */
export const PACING: PacingRules = {
  beforeFeedback: 2.5,
  clear: 1.5,
  queued: 1.1,
  initialWindowBytes: INITIAL_WINDOW_BYTES,
};
