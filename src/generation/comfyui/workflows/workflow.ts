/**
 * A workflow as the backend sees it: a graph for each slice, and the nodes whose pictures are its tiers. The six LTX-2
 * workflows and mapped graphs share this interface.
 */
import type { TierInfo, WorkflowOptions } from '../../generator.ts';
import type { ObjectInfo } from '../server/wire.ts';
import type { Graph } from './graph.ts';
import type { SliceInput } from './parameters.ts';

/** Node ids by the tier whose frames they send. */
export type TapTier = 'base' | 'refined' | 'upscaled';
export type Taps = Readonly<Partial<Record<TapTier, string>>>;

/** How a graph saves memory: it decodes in small tiles; `smaller` also shrinks pictures. */
export type MemoryMode = 'none' | 'low-vram' | 'smaller';

export interface BuiltGraph {
  graph: Graph;
  taps: Taps;
  /** Nodes that store the sound of a tier for `/view`. */
  sounds?: Taps;
}

/**
 * How the server draws a preview at each denoise step: not at all, by a linear map from latent channels to colours, or
 * by a tiny decoder. Overrides the server's own flag for one prompt; servers that do not know it ignore it.
 */
export type PreviewMethod = 'none' | 'latent2rgb' | 'taesd';

export interface Workflow {
  readonly name: string;
  /** The model's generation, for people. */
  readonly family?: string;
  /** What a prompt steers, as text for people. */
  readonly conditioning: string;
  /** Frames each tap sends. */
  readonly frames: number;
  readonly fps: number;
  readonly tiers: readonly (TierInfo & { tier: TapTier })[];
  /** Input that it cannot run without. */
  readonly needs: 'image' | 'video' | 'nothing';
  /**
   * How many of the previous slice's last frames a slice begins with; 0 where slices do not continue each other. A
   * slice shows so many frames fewer than are made: its last ones are the first of the next.
   */
  readonly overlapFrames: number;
  /** Session choices that its graph supports. */
  readonly options: readonly (keyof WorkflowOptions)[];
  /** `smaller`: pictures may then be smaller than the tier's. */
  build(input: SliceInput, options: { memoryMode: MemoryMode }): BuiltGraph;
  /** Set if its graphs make sound. */
  readonly sound?: { channels: 1 | 2 } | undefined;
  /** For drafts. Default: `latent2rgb`. */
  readonly previewMethod?: PreviewMethod;
  /**
   * The same workflow as these servers can run it, if possible in none of the families in `without`. Absent: it runs as
   * it is, or not at all.
   */
  fitted?(servers: readonly ObjectInfo[], without?: ReadonlySet<string>): Workflow;
}

/** Frames of a run shown as its slice. */
export const sliceFramesOf = ({ overlapFrames, frames }: Workflow): number => frames - overlapFrames;
