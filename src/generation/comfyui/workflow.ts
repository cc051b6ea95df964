/**
 * What a workflow is to the backend: a graph for each slice, and the nodes whose pictures are its tiers. The six of LTX-2
 * and any other graph (by a mapping file) look the same from here.
 */
import type { TierInfo } from '../generator.ts';
import type { Graph } from './graph.ts';
import type { SliceInput } from './parameters.ts';

/** Node ids by the tier whose frames they send. */
export type Taps = Readonly<Partial<Record<'base' | 'refined', string>>>;

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
  readonly tiers: readonly (TierInfo & { tier: 'base' | 'refined' })[];
  /** What it cannot run without. */
  readonly needs: 'image' | 'video' | 'nothing';
  /**
   * Whether a slice can begin with the last frame of the one before. Then a slice shows one frame less than is made: its
   * last frame is the first of the next.
   */
  readonly continues: boolean;
  /** `reduced`: with less memory, after the server ran out of it; pictures may then be smaller than the tier's. */
  build(input: SliceInput, options: { reduced: boolean }): BuiltGraph;
}
