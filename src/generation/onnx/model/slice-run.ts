/**
 * Makes one slice with the embedded model. Noise is denoised step by step (Euler; classifier-free guidance is inside
 * the denoiser part). The draft is decoded from the first step's estimate of the finished latent, the base from the
 * last latent. The refiner makes the refined frames from that latent, the upscaler the upscaled ones from those. A tier
 * is computed only when needed. Every run of a part is its own unit of work (unit-line.ts).
 */
import { GlimpseError } from '../../../errors.ts';
import type { I420Frame } from '../../../picture/frame.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../../generator.ts';
import { interpolate } from '../../prompt/interpolation.ts';
import { towardsReference } from '../../slices/latents.ts';
import type { DenoiseStep } from '../../slices/schedule.ts';
import type { Variant } from '../../grades.ts';
import { tierRank, type Tier } from '../../../picture/tiers.ts';
import type { Manifest } from '../pack/model-pack.ts';
import { decideOpenFields } from './open-fields.ts';
import type { PromptEncoder } from './prompt-encoder.ts';
import type { RefinerNoise } from './refiner-noise.ts';
import type { OutputOf } from '../runtime/run.ts';
import { startingPoint } from './starting-point.ts';
import { float32, int64, pictures } from '../process/tensor.ts';
import type { Tensor, Tensors } from '../process/tensor.ts';
import type { ModelUnits } from './model-units.ts';
import { lineUnit, UnitLine, type LineUnit } from './unit-line.ts';

/**
 * Pixels per refiner call, few enough for a waiting draft to get in between: one frame of 256x256, four of 128x128.
 * Measured: 16 ms a call, and a frame costs the same in a call of its own as in one of eight.
 */
const REFINER_CALL_PX = 65_536;
const REFINER_CALL_FRAMES = 4;
/** Frames per upscaler call: two of them cost as much as one of the refiner's. */
export const UPSCALER_FRAMES = 2;

/** Picture size of a tier and variant; undefined if the pack does not make it. */
function sizeOf({ tiers }: Pick<Manifest, 'tiers'>, tier: Tier, variant: Variant = 'full') {
  const size = tiers.find((candidate) => candidate.tier === tier);
  return variant === 'fast' ? size?.fast : size;
}

/** Frames per call of a pack's refiner. */
export function refinerFrames(manifest: Pick<Manifest, 'tiers'>, variant: Variant = 'full'): number {
  const { widthPx = 1, heightPx = 1 } = sizeOf(manifest, 'refined', variant) ?? {};
  return Math.min(REFINER_CALL_FRAMES, Math.max(1, Math.floor(REFINER_CALL_PX / (widthPx * heightPx))));
}

export interface SliceModel {
  manifest: Manifest;
  units: ModelUnits;
  encoder: PromptEncoder;
  noise: RefinerNoise;
}

export class SliceRun {
  readonly #model: SliceModel;
  readonly #job: SliceJob;
  readonly #options: GenerateOptions;
  readonly #stepsLeft: DenoiseStep[];
  /** Steps of the whole run: fewer when it starts from latents. */
  readonly #steps: number;
  #latent: Float32Array;
  /** The latest step's estimate of the finished latent. */
  #denoised: Float32Array;
  /** Refined frames, kept for the upscaler. */
  #refined: I420Frame[] | undefined;
  readonly #line: UnitLine;
  /** Time in the model since the last rendition, in ms. */
  #spentMs = 0;

  /** @throws GlimpseError PARAMETER_INVALID when latents handed in are not of this model, or a strength is no level. */
  constructor(model: SliceModel, job: SliceJob, options: GenerateOptions) {
    const { latent, steps } = startingPoint(job, model.manifest);
    this.#model = model;
    this.#job = job;
    this.#options = options;
    this.#stepsLeft = steps;
    this.#steps = steps.length;
    this.#latent = latent;
    this.#denoised = this.#latent;
    this.#line = new UnitLine(model.units, options);
  }

  /**
   * Computes one tier; call lowest first, and fast before full.
   * @param carriesLatents adds the latents that the next slice may continue from
   * @throws GlimpseError ABORTED, GENERATOR_DOWN
   */
  async render(tier: Tier, carriesLatents: boolean, variant: Variant = 'full'): Promise<Rendition> {
    const { revision, slice } = this.#job;
    const steps = tier === 'draft' ? Math.min(1, this.#steps) : this.#steps;
    const left = this.#stepsLeft.slice(0, Math.max(0, steps - (this.#steps - this.#stepsLeft.length)));
    const condition = left.length > 0 || hasRefined(tier) ? await this.#condition() : undefined;
    const denoising = this.#denoising(left, condition);
    // Latents held to a reference change here, so the process's copy cannot be used.
    const apart = this.#job.reference ? denoising.splice(0) : [];
    await this.#compute(apart);
    const frames = await this.#pictures({ tier, variant }, denoising, condition);
    const latents = tier === 'draft' ? this.#denoised : this.#latent;
    const computeMs = this.#spentMs;
    this.#spentMs = 0;
    const made = { revision, slice, tier, ...(variant === 'fast' ? { variant } : {}), frames, computeMs };
    return carriesLatents ? { ...made, latents } : made;
  }

  #denoising(steps: readonly DenoiseStep[], condition: Float32Array | undefined): LineUnit[] {
    const { sampler } = this.#model.manifest;
    const [low, high] = sampler.guidanceRange;
    const guidance = Math.min(high, Math.max(low, this.#job.guidance ?? sampler.guidance));
    const kind = `denoiser:${this.#latentShape.join('x')}`;
    const units: LineUnit[] = [];
    for (const { sigma, sigmaNext } of steps) {
      const feeds = {
        ...this.#conditioning(condition),
        latent: this.#latentAfter(units.at(-1)),
        sigma: float32([sigma], 1),
        sigma_next: float32([sigmaNext], 1),
        guidance: float32([guidance], 1),
      };
      units.push(lineUnit({ part: 'denoiser', kind, keeps: true }, feeds, (outputs) => this.#onStep(outputs)));
    }
    return units;
  }

  #onStep(outputs: Tensors): void {
    this.#stepsLeft.shift();
    this.#denoised = outputs['denoised']?.data as Float32Array;
    this.#latent = outputs['latent_next']?.data as Float32Array;
    if (this.#stepsLeft.length === 0) this.#latent = this.#held(this.#latent);
  }

  /** Runs the remaining denoise steps, then makes the pictures. */
  async #pictures(
    { tier, variant }: { tier: Tier; variant: Variant },
    denoising: LineUnit[],
    condition: Float32Array | undefined,
  ): Promise<I420Frame[]> {
    if (!hasRefined(tier)) {
      const frames: I420Frame[] = [];
      await this.#compute([...denoising, this.#decoding(tier, frames, denoising.at(-1))]);
      return frames;
    }
    const refine = (refined: I420Frame[]): Promise<void> => {
      const latent = this.#latentAfter(denoising.at(-1));
      return this.#compute([...denoising, ...this.#refining(variant, refined, { latent, condition })]);
    };
    if (variant === 'fast') {
      const refined: I420Frame[] = [];
      await refine(refined);
      return refined;
    }
    if (this.#refined === undefined) {
      const refined: I420Frame[] = [];
      await refine(refined);
      this.#refined = refined;
    }
    if (tier === 'refined') return this.#refined;
    const upscaled: I420Frame[] = [];
    await this.#compute(this.#upscaling(this.#refined, upscaled));
    return upscaled;
  }

  async #compute(units: readonly LineUnit[]): Promise<void> {
    this.#spentMs += await this.#line.run(units);
  }

  /** Against drift: moves finished latents towards the reference's statistics. */
  #held(latents: Float32Array): Float32Array {
    const { reference } = this.#job;
    return reference ? towardsReference(latents, reference, this.#model.manifest.latent.channels) : latents;
  }

  /** Adds its pictures to `frames`. @param after the denoise step that it follows, if that has not ended */
  #decoding(tier: Tier, frames: I420Frame[], after: LineUnit | undefined): LineUnit {
    const latent = tier === 'draft' ? this.#latentAfter(after, 'denoised', this.#denoised) : this.#latentAfter(after);
    const kind = `decoder:${this.#latentShape.join('x')}`;
    return lineUnit({ part: 'decoder', kind }, { latent }, (outputs) => frames.push(...this.#frames(tier, outputs)));
  }

  #refining(
    variant: Variant,
    frames: I420Frame[],
    { latent, condition }: { latent: Tensor | OutputOf; condition: Float32Array | undefined },
  ): LineUnit[] {
    const part = variant === 'fast' ? 'fastRefiner' : 'refiner';
    const { noise, slice } = this.#model.manifest;
    const { seed, startMs } = this.#job;
    const { particles, grain } = this.#model.noise.of(seed);
    const most = refinerFrames(this.#model.manifest, variant);
    const shared = {
      ...this.#conditioning(condition),
      latent,
      particles: float32(particles, 1, noise.particles, 3),
      grain: float32(grain, 1, 1, noise.grainPx, noise.grainPx),
      time_s: float32([startMs / 1000], 1),
    };
    return Array.from({ length: Math.ceil(slice.frames / most) }, (_, call): LineUnit => {
      const from = call * most;
      const until = Math.min(from + most, slice.frames);
      const indices = Array.from({ length: until - from }, (_, index) => BigInt(from + index));
      // All runs of a batch share their frame indices, so these are part of the kind.
      const kind = `${part}:${this.#latentShape.join('x')}:${from}-${until - 1}`;
      const feeds = { ...shared, frames: int64(indices, indices.length) };
      return lineUnit({ part, kind }, feeds, (outputs) => frames.push(...this.#frames('refined', outputs, variant)));
    });
  }

  #upscaling(refined: readonly I420Frame[], frames: I420Frame[]): LineUnit[] {
    const name = this.#model.manifest.parts.upscaler?.inputs[0]?.name ?? 'refined';
    return Array.from({ length: Math.ceil(refined.length / UPSCALER_FRAMES) }, (_, call): LineUnit => {
      const some = refined.slice(call * UPSCALER_FRAMES, (call + 1) * UPSCALER_FRAMES).map(({ data }) => data);
      const kind = `upscaler:${some.length}x${some[0]?.length ?? 0}`;
      const feeds = { [name]: pictures(some) };
      return lineUnit({ part: 'upscaler', kind }, feeds, (outputs) =>
        frames.push(...this.#frames('upscaled', outputs)),
      );
    });
  }

  get #latentShape(): [number, number, number] {
    const { tokens, channels } = this.#model.manifest.latent;
    return [1, tokens, channels];
  }

  /** The latent that `step` will have made, or `latent` if no step is left. */
  #latentAfter(step: LineUnit | undefined, output = 'latent_next', latent = this.#latent): Tensor | OutputOf {
    return step ? { of: step.data, output } : float32(latent, ...this.#latentShape);
  }

  /** The inputs that denoiser and refiner share, beside the latent. */
  #conditioning(condition: Float32Array = new Float32Array()): Tensors {
    const { manifest } = this.#model;
    const { tokens, channels } = manifest.latent;
    const { previous } = this.#job;
    return {
      previous: float32(previous ?? new Float32Array(tokens * channels), ...this.#latentShape),
      has_previous: float32([previous === undefined ? 0 : 1], 1),
      condition: float32(condition, 1, manifest.condition.width),
    };
  }

  /** The prompt's condition, or a mix of two. */
  async #condition(): Promise<Float32Array> {
    const { prompt, mix } = this.#job;
    const own = await this.#encode(prompt);
    if (mix === undefined) return own;
    return interpolate(mix.interpolation, own, await this.#encode(mix.towards), mix.amount);
  }

  async #encode(prompt: string): Promise<Float32Array> {
    const { condition, computeMs } = await this.#model.encoder.encode(prompt, this.#options);
    this.#spentMs += computeMs;
    return decideOpenFields(condition, this.#model.manifest.condition, this.#job.seed);
  }

  /** The pictures of output `i420`, uint8 [1, frames, bytes] or [frames, bytes], as views of one buffer. */
  #frames(tier: Tier, outputs: Tensors, variant?: Variant): I420Frame[] {
    const output = outputs['i420'];
    const size = sizeOf(this.#model.manifest, tier, variant);
    if (output?.type !== 'uint8' || size === undefined) throw new GlimpseError('GENERATOR_DOWN');
    const [count = 0, bytes = 0] = output.shape.slice(-2);
    const { widthPx, heightPx } = size;
    return Array.from({ length: count }, (_, index) => ({
      widthPx,
      heightPx,
      data: output.data.subarray(index * bytes, (index + 1) * bytes),
    }));
  }
}

const hasRefined = (tier: Tier): boolean => tierRank(tier) >= tierRank('refined');
