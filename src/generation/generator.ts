/**
 * The contract between the service and a source of pictures: the embedded ONNX model, the test pattern, or a remote
 * backend. A generator is stateless between jobs: what continues comes in (`previous`) and goes out (`latents`).
 */
import type { LiveSource } from '../picture/live-source.ts';
import type { InputMedia } from '../picture/input-media.ts';
import type { GlimpseError } from '../errors.ts';
import type { I420Frame } from '../picture/frame.ts';
import type { Sound } from '../picture/sound.ts';
import type { Variant } from './grades.ts';
import type { Tier } from '../picture/tiers.ts';

export interface TierInfo {
  tier: Tier;
  widthPx: number;
  heightPx: number;
  /** Picture size of the fast variant, if the tier has one; `GenerateOptions.variant` asks for it. */
  fast?: { widthPx: number; heightPx: number } | undefined;
}

export interface GeneratorInfo {
  name: string;
  /** What a prompt can steer, as text for the page. */
  conditioning: string;
  slice: { frames: number; fps: number };
  /** The tiers this generator yields, lowest first. */
  tiers: readonly TierInfo[];
  /** Prompts that show what it can do. */
  examples: readonly string[];
  /** True if a clip gets a draft pass over all slices first: drafts are cheap and need no finished slice before them. */
  progressive: boolean;
  /** True if `SliceJob.start` is obeyed: then a running picture can be steered instead of started over. */
  startsFromLatents?: boolean;
  /** Input that a session may begin from; `needed` if nothing is made without it. */
  input?: { kind: InputMedia['kind']; needed: boolean } | undefined;
  /** True if `SliceJob.live` is followed: a session's camera becomes the picture, or what it is made from. */
  live?: boolean;
  /** Which choices of `WorkflowOptions` have an effect. */
  options?: readonly (keyof WorkflowOptions)[];
  cameraMoves?: readonly string[];
  /** Set if renditions may bring sound, with the most channels it has. Viewers are then offered a sound track. */
  sound?: { channels: 1 | 2 } | undefined;
}

/**
 * A mix of two prompts: a point between them in the generator's own space, for prompt travel and steering. A generator
 * that cannot mix uses the heavier of the two.
 */
export interface PromptMix {
  /** The target prompt; `SliceJob.prompt` is the start. */
  towards: string;
  /** Share of `towards`, in [0, 1]. */
  amount: number;
  interpolation: 'linear' | 'spherical';
}

/** Latents to start from instead of noise: those of the running picture, or a near hit of the latent cache. */
export interface StartingLatents {
  latents: Float32Array;
  /**
   * Noise level they are raised to before denoising, in [0, 1]. 1: as if from noise. 0: they are finished, and are only
   * decoded and refined.
   */
  strength: number;
}

/** What the generator understood of a prompt. */
export interface PromptReading {
  /** Words (lower case) and emoji without effect: unknown, or beyond what the generator reads. */
  unknownWords: string[];
  /** What was understood by field, e.g. `{ scene: 'meadow', time: 'sunset' }`; empty if a backend cannot tell. */
  fields: Record<string, string>;
}

/** Session choices for a workflow; a generator uses those it names in `info.options`. */
export interface WorkflowOptions {
  /** What the picture should not have; guided models only. */
  negativePrompt?: string | undefined;
  /** Denoise steps of the first stage. */
  steps?: number | undefined;
  /** How the camera moves, one of `info.cameraMoves`. */
  cameraMove?: string | undefined;
  /** Hold later slices to the statistics of the prompt's first one; the session sets `reference`. */
  adain?: boolean | undefined;
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
  /** Time of the slice's first frame, ms since its picture began: a steered revision continues the last one's time. */
  startMs: number;
  /** Lowest tier to yield; lower ones are computed only as far as needed. Default: the first. */
  startAtTier?: Tier;
  /** Highest tier to yield. */
  stopAtTier: Tier;
  /** `latents` of the slice before this one, to continue from it. */
  previous?: Float32Array;
  /** Travel from `prompt` towards another one. */
  mix?: PromptMix;
  /** Start from these instead of noise; a generator without latents ignores it. */
  start?: StartingLatents;
  /** At most this many denoise steps, from 1 on; a generator that cannot choose ignores it. */
  maxSteps?: number;
  /** Latents whose mean and deviation per channel are the target of AdaIN, against drift over many slices. */
  reference?: Float32Array;
  /** Media to begin from or to follow, for generators whose `info.input` says so. */
  input?: InputMedia;
  /** A camera whose newest pictures to follow, for generators whose `info.live` says so. Never cached. */
  live?: LiveSource;
  /** How far its pictures are raised to noise, 0 (kept) to 1 (not seen). Default `LIVE_STRENGTH`. */
  liveStrength?: number;
  /** The session's choices; a generator without them ignores them. */
  options?: WorkflowOptions;
}

/** One step of work that nothing else can interrupt: a denoise step or a decode. */
export interface UnitOfWork {
  /** Names the part and its shape: units of one kind from different jobs may run as one batch. */
  kind: string;
  /** Runs it by itself. */
  run(): Promise<void>;
  /** The unit of the same job that this one follows, if asked for before that one ends. It must start first. */
  after?: UnitOfWork | undefined;
  /** Runs units of this kind as a batch, or behind another; all of one kind have the same. Default: `run` each. */
  batches?: BatchRunner;
}

/** Runs the batches it is given in their order. Who comes first, and what runs together, is decided before. */
export interface BatchRunner {
  /** Starts these units as one batch, behind those it was given before. */
  start(units: readonly UnitOfWork[]): StartedBatch;
  /** Whether the unit may be given before the batch in progress has ended. */
  mayFollow(unit: UnitOfWork): boolean;
}

export interface StartedBatch {
  /** A result for each unit; undefined if the batch was withdrawn. Never rejects. */
  ended: Promise<readonly PromiseSettledResult<void>[] | undefined>;
  /** Takes the batch back if it has not begun; `ended` tells. Its units may be started again. */
  withdraw(): void;
}

/** How urgent a job is, for a generator that computes elsewhere and queues by itself. */
export interface Urgency {
  /** `RANKS` of engine/turn-order.ts: 0 a first picture, 3 background. */
  rank: number;
  /** When the result is needed, on the service's clock. */
  deadlineUs: number;
  /** Work of one user shares that user's time. */
  user: string;
  /** Share compared with other users'; 1 is usual. */
  weight: number;
}

export interface GenerateOptions {
  signal: AbortSignal;
  /** Read at every pull: its owner keeps it up to date. Default: background work without a deadline. */
  urgency?: Readonly<Urgency>;
  /**
   * Runs a unit when its turn comes, as the scheduler decides. A generator passes every unit through it, so that others
   * get in between two steps. It may ask for the next while one runs (`after`). Default: units run at once.
   */
  turn?: (unit: UnitOfWork) => Promise<void>;
  /** Called when a tier with several variants starts. Default: all tiers are full. */
  variant?: (tier: Tier) => Variant;
  /** A failure is about to be retried: nothing is lost, the next picture comes later. */
  onRetry?: (error: GlimpseError) => void;
  /** Progress of the job in [0, 1], for slow generators, and its position in a backend's own queue. */
  onProgress?: (progress: { ratio: number; queuePosition?: number }) => void;
}

/** The frames of one slice at one tier, or a run of them from a backend that delivers them one by one. */
export interface Rendition {
  revision: number;
  slice: number;
  tier: Tier;
  /** How the tier was made. Absent: by the full part. */
  variant?: Variant | undefined;
  /** Frames of the tier's and variant's size: all `info.slice.frames`, or a run of them from `firstFrame` on. */
  frames: I420Frame[];
  /** Index of `frames[0]` within the slice; 0 when left out. Runs of one tier come in order and do not overlap. */
  firstFrame?: number;
  /**
   * Sound of the whole slice: `sliceSamples` says how many samples. Once a tier, with any of its runs; absent: silence,
   * or the sound of a lower tier.
   */
  audio?: Sound;
  /** Latents for the next slice; absent if the tier adds nothing new to continue from. */
  latents?: Float32Array;
  /** Time spent computing this tier alone, in ms; 0 when it came out of a cache. */
  computeMs: number;
  /** The cache it came from, if any, for the page and the metrics. */
  cached?: 'segment' | 'latent';
  /** Made with less than was asked for (fewer steps) while recovering from a failure: not cached. */
  reduced?: boolean;
}

/** Whether a rendition ends its tier: it is whole, or the last of its runs. */
export const isLastRun = ({ frames, firstFrame = 0 }: Rendition, framesPerSlice: number): boolean =>
  firstFrame + frames.length >= framesPerSlice;

export interface Generator extends AsyncDisposable {
  readonly info: GeneratorInfo;
  /** The highest tier worth asking for during recovery from failures; undefined: all of them. */
  readonly tierCap?: Tier | undefined;
  /** What this generator understands of a prompt. Cheap: under 10 ms for local generators. */
  read(prompt: string): Promise<PromptReading>;
  /**
   * Yields one rendition per tier from `startAtTier` to `stopAtTier`, lowest first. A backend that gets its frames one
   * by one yields each tier in runs, in order (`firstFrame`), with `latents` and `computeMs` in the last. Lazy: a tier
   * is computed only when pulled, so a caller may leave a half-finished slice while another job runs. A tier made by a
   * cheaper variant is yielded again, full, if pulled again. A draft may be yielded again, clearer, before the next
   * tier begins. Aborting stops between denoise steps with a GlimpseError
   * `ABORTED`.
   * @throws GlimpseError GENERATOR_DOWN when the backend has failed; the next call may work again.
   *   GENERATOR_UNAVAILABLE with `retryAfterMs` when it keeps failing and is not asked.
   */
  generate(job: SliceJob, options: GenerateOptions): AsyncIterable<Rendition>;
  /** A prompt as a vector: small cosine distance means similar prompts. For the latent cache; absent if unsupported. */
  embed?(prompt: string): Promise<Float32Array>;
  /** Resolves once a job would run at full speed: weights loaded, first run done. */
  warmUp(): Promise<void>;
}
