/** Everything a viewer's decisions depend on, as plain data. */
import type { Rung } from '../picture/rung.ts';
import type { Tier } from '../picture/tiers.ts';

export interface ViewerFacts {
  path: PathFacts;
  tiers: TierFacts;
  picture: PictureFacts;
  presence: PresenceFacts;
}

/** What the path carries, and what the viewer's decoder takes. */
export interface PathFacts {
  targetBps: number;
  /** Rate on the wire of the sound. */
  soundBps: number;
  /** Share of the last second's bytes that were retransmissions. */
  repairShare: number;
  /** Media queued in the pacer. */
  pacerQueueMs: number;
  /** H.264 level of the viewer's decoder; undefined for other codecs and while it is unknown. */
  levelIdc: number | undefined;
}

export interface TierFacts {
  /** What the generator makes, lowest first. */
  made: readonly ({ tier: Tier } & Rung)[];
  /** Highest tier that the viewer asks for, whether it is made or not. */
  asked: Tier;
  /** Highest tier that admission leaves the stream beside other streams. */
  admitted: Tier;
}

export interface PictureFacts {
  /** Frames a second of the stream. */
  fps: number;
  /** Motion between two frames, pixels; undefined: unknown. */
  motionPx: number | undefined;
  /** Resolutions that can be encoded, largest first. */
  rungs: readonly Rung[];
}

export interface PresenceFacts {
  /** The viewer can see frames now, or is expected for the first time. */
  shown: boolean;
  /** They watch, or may be back in a moment. */
  watched: boolean;
}
