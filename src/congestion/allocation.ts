/** How the estimator's grant is spent. Every stage reads it; only the allocator writes it. */
import type { Rung } from '../picture/rung.ts';
import type { Tier } from '../picture/tiers.ts';

export interface Allocation {
  /** Rate for the encoder. */
  bitrateBps: number;
  /** Frames a second to send; never above the generator's rate. */
  fps: number;
  rung: Rung;
  /** Highest tier worth generating for this viewer. */
  tierCap: Tier;
  /** Largest keyframe that arrives in time. */
  keyframeBudgetBytes: number;
}

/** What the allocator remembers of one viewer from call to call. */
export interface AllocatorMemory {
  rung: Rung;
  /** When the rung last changed: limits how fast the allocator climbs. */
  rungChangedAtUs: number;
  tierCap: Tier;
  /** Every second frame with twice the bits, because the picture hardly moves; and when this last changed. */
  slow: boolean;
  slowChangedAtUs: number;
}

export interface AllocatorInput {
  targetBps: number;
  /** Share of recently sent bytes that were retransmissions, 0 to 1. Default: 0. */
  repairShare?: number;
  nowUs: number;
  /** Rate on the wire that the sound takes; it comes first. Default 0. */
  soundBps?: number | undefined;
  /** Media queued in the pacer. */
  queueMs: number;
  /** Largest first. */
  rungs: readonly Rung[];
  generatorFps: number;
  /** Motion of the picture between two frames of the generator, pixels; undefined: unknown. */
  motionPx?: number | undefined;
  /** Highest tier that the viewer asked for and the generator can make. */
  tierLimit: Tier;
}
