/** The one decision that flows back: how the estimator's grant is spent. Each stage reads it; only the allocator writes it. */
import type { Rung } from '../picture/rung.ts';
import type { Tier } from '../picture/tiers.ts';

export interface Allocation {
  /** For the encoder. */
  bitrateBps: number;
  /** Frames a second to send; never above the generator's rate. */
  fps: number;
  rung: Rung;
  /** Highest tier worth generating for this viewer. */
  tierCap: Tier;
  /** Largest keyframe that still arrives within its time. */
  keyframeBudgetBytes: number;
  /** When the rung last changed; the allocator's memory, so that it climbs no faster than the eye forgives. */
  rungChangedAtUs: number;
  /** Every second frame with twice the bits, as the picture hardly moves; and since when that is so, or not. */
  slow: boolean;
  slowChangedAtUs: number;
}

export interface AllocatorInput {
  targetBps: number;
  nowUs: number;
  /** Media waiting in the pacer. */
  queueMs: number;
  /** Largest first. */
  rungs: readonly Rung[];
  generatorFps: number;
  /** How far the picture moves from one frame of the generator to the next, pixels; undefined: not known. */
  motionPx?: number | undefined;
  /** Highest tier the viewer asked for and the generator can make. */
  tierLimit: Tier;
}
