/**
 * What a workflow is to the backend: a graph for each slice, and the nodes whose pictures are its tiers. The six of LTX-2
 * and any other graph (by a mapping file) look the same from here.
 */
import type { TierInfo, WorkflowOptions } from '../../generator.ts';
import type { Graph } from './graph.ts';
import type { SliceInput } from './parameters.ts';

/** Node ids by the tier whose frames they send. */
export type TapTier = 'base' | 'refined';
export type Taps = Readonly<Partial<Record<TapTier, string>>>;

/** How a graph saves memory: models one after another and decoding in tiles, or smaller pictures besides. */
export type MemoryMode = 'none' | 'low-vram' | 'smaller';

export interface BuiltGraph {
  graph: Graph;
  taps: Taps;
}

export interface Workflow {
  readonly name: string;
  /** What a prompt steers, for people. */
  readonly conditioning: string;
  /** Frames each tap sends. */
  readonly frames: number;
  readonly fps: number;
  readonly tiers: readonly (TierInfo & { tier: TapTier })[];
  /** What it cannot run without. */
  readonly needs: 'image' | 'video' | 'nothing';
  /**
   * With how many of the last frames of the one before a slice begins; 0 where slices do not continue each other. A slice
   * shows so many frames less than are made: its last ones are the first of the next.
   */
  readonly overlapFrames: number;
  /** Which of a session's choices its graph can follow. */
  readonly options: readonly (keyof WorkflowOptions)[];
  /** `smaller`: pictures may then be smaller than the tier's. */
  build(input: SliceInput, options: { memoryMode: MemoryMode }): BuiltGraph;
}

/** Frames of a run that are shown as its slice. */
export const sliceFramesOf = ({ overlapFrames, frames }: Workflow): number => frames - overlapFrames;
