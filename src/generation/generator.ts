/**
 * The contract between the service and whatever makes pictures: the embedded ONNX model, the test pattern, or a remote
 * backend. A generator is stateless between jobs: what continues is handed in (`previous`) and out (`latents`).
 */
import type { I420Frame } from '../media/frame.ts';
import type { Tier } from './tiers.ts';

export interface TierInfo {
  tier: Tier;
  widthPx: number;
  heightPx: number;
}

export interface GeneratorInfo {
  name: string;
  /** What a prompt can steer, for people: shown on the page. */
  conditioning: string;
  slice: { frames: number; fps: number };
  /** The tiers this generator yields, lowest first. */
  tiers: readonly TierInfo[];
  /** Prompts that show what it can do. */
  examples: readonly string[];
  /** True when drafts differ from the finished picture, so that a clip gets a draft pass first. */
  progressive: boolean;
}

/** What the generator understood of a prompt. */
export interface PromptReading {
  /** Words (lower case) the generator does not know; they change nothing. */
  unknownWords: string[];
  /** What was understood, field by field, e.g. `{ scene: 'meadow', time: 'sunset' }`; empty when a backend cannot say. */
  fields: Record<string, string>;
}

export interface SliceJob {
  revision: number;
  /** Index of the slice within its revision, from 0. */
  slice: number;
  prompt: string;
  /** 32-bit unsigned; same prompt, seed and slice give the same picture. */
  seed: number;
  /** Classifier-free guidance scale; the generator clamps it to its range and uses its default when left out. */
  guidance?: number;
  /** Timeline time of the slice's first frame, in ms since its revision began. */
  startMs: number;
  /** Lowest tier to yield; lower ones are computed only as far as needed. Default: the first. */
  startAtTier?: Tier;
  /** Highest tier to yield. */
  stopAtTier: Tier;
  /** `latents` of the slice before this one, to continue from it. */
  previous?: Float32Array;
}

/** The frames of one slice at one tier. */
export interface Rendition {
  revision: number;
  slice: number;
  tier: Tier;
  /** `info.slice.frames` frames of that tier's size. */
  frames: I420Frame[];
  /** What the next slice continues from; absent where the tier adds nothing new to continue from. */
  latents?: Float32Array;
  /** Time spent computing this tier alone, in ms. */
  computeMs: number;
}

export interface Generator extends AsyncDisposable {
  readonly info: GeneratorInfo;
  /** What this generator makes of a prompt. Cheap: under 10 ms for local generators. */
  read(prompt: string): Promise<PromptReading>;
  /**
   * Yields one rendition per tier from `startAtTier` to `stopAtTier`, lowest first. Lazy: nothing of a tier is computed
   * before it is pulled, so a caller may leave a half-finished slice waiting while another job runs. Aborting stops
   * between denoise steps with a GlimpseError `ABORTED`.
   * @throws GlimpseError GENERATOR_DOWN when the backend has failed; the next call may work again.
   */
  generate(job: SliceJob, options: { signal: AbortSignal }): AsyncIterable<Rendition>;
  /** Resolves once a job would run at full speed: weights loaded, first run done. */
  warmUp(): Promise<void>;
}
