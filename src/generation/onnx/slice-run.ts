/**
 * One slice on its way through the model: noise is denoised step by step (Euler; classifier-free guidance is inside the
 * denoiser part), and each tier is decoded from how far that has come: the draft from the first step's estimate of the
 * finished latent, the base from the last latent, the refined frames by the refiner from that same latent, the upscaled
 * ones from the refined. Nothing is computed before it is needed; every run of a part is a unit of work of its own, so
 * that other slices get in between.
 */
import { GlimpseError } from '../../errors.ts';
import type { I420Frame } from '../../media/frame.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../generator.ts';
import { interpolate } from '../interpolation.ts';
import { towardsReference } from '../latents.ts';
import type { DenoiseStep } from '../schedule.ts';
import type { Tier } from '../tiers.ts';
import type { Manifest, PartName } from './model-pack.ts';
import { decideOpenFields } from './open-fields.ts';
import type { PromptEncoder } from './prompt-encoder.ts';
import type { RefinerNoise } from './refiner-noise.ts';
import type { OnnxRuntime } from './runtime.ts';
import { startingPoint } from './starting-point.ts';
import { float32, int64, pictures } from './tensor.ts';
import type { Tensors } from './tensor.ts';

/**
 * Pixels the refiner makes in one call, so that a draft somebody waits for gets in between: one frame of 256x256, four of
 * 128x128. Measured: 16 ms a call, and a frame costs the same in a call of its own as in one of eight.
 */
const REFINER_CALL_PX = 65_536;
const REFINER_CALL_FRAMES = 4;
/** Frames the upscaler makes in one call: two of them cost as much as one of the refiner's. */
export const UPSCALER_FRAMES = 2;

/** Frames the refiner of a pack makes in one call. */
export function refinerFrames({ tiers }: Pick<Manifest, 'tiers'>): number {
  const { widthPx = 1, heightPx = 1 } = tiers.find(({ tier }) => tier === 'refined') ?? {};
  return Math.min(REFINER_CALL_FRAMES, Math.max(1, Math.floor(REFINER_CALL_PX / (widthPx * heightPx))));
}

export interface SliceModel {
  manifest: Manifest;
  runtime: OnnxRuntime;
  encoder: PromptEncoder;
  noise: RefinerNoise;
}

export class SliceRun {
  readonly #model: SliceModel;
  readonly #job: SliceJob;
  readonly #options: GenerateOptions;
  readonly #stepsLeft: DenoiseStep[];
  /** Steps of the whole run: fewer when it starts from latents instead of noise. */
  readonly #steps: number;
  #latent: Float32Array;
  /** The latest step's estimate of the finished latent. */
  #denoised: Float32Array;
  /** Kept for the upscaler once they are made. */
  #refined: I420Frame[] | undefined;
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
  }

  /**
   * Computes one tier; call lowest first. `carriesLatents`: what the next slice may continue from goes with it.
   * @throws GlimpseError ABORTED, GENERATOR_DOWN
   */
  async render(tier: Tier, carriesLatents: boolean): Promise<Rendition> {
    const { revision, slice } = this.#job;
    await this.#denoise(tier === 'draft' ? Math.min(1, this.#steps) : this.#steps);
    const latents = tier === 'draft' ? this.#denoised : this.#latent;
    const frames = await this.#pictures(tier, latents);
    const computeMs = this.#spentMs;
    this.#spentMs = 0;
    return { revision, slice, tier, frames, computeMs, ...(carriesLatents ? { latents } : {}) };
  }

  /** Goes on until `steps` steps are done in all. */
  async #denoise(steps: number): Promise<void> {
    const { sampler } = this.#model.manifest;
    const [low, high] = sampler.guidanceRange;
    const guidance = Math.min(high, Math.max(low, this.#job.guidance ?? sampler.guidance));
    while (this.#steps - this.#stepsLeft.length < steps) {
      const { sigma, sigmaNext } = this.#stepsLeft[0] as DenoiseStep;
      const outputs = await this.#run('denoiser', {
        ...(await this.#conditioning(this.#latent)),
        sigma: float32([sigma], 1),
        sigma_next: float32([sigmaNext], 1),
        guidance: float32([guidance], 1),
      });
      this.#stepsLeft.shift();
      this.#denoised = outputs['denoised']?.data as Float32Array;
      this.#latent = outputs['latent_next']?.data as Float32Array;
      if (this.#stepsLeft.length === 0) this.#latent = this.#held(this.#latent);
    }
  }

  async #pictures(tier: Tier, latents: Float32Array): Promise<I420Frame[]> {
    if (tier === 'draft' || tier === 'base') return this.#decode(tier, latents);
    this.#refined ??= await this.#refine(latents);
    return tier === 'refined' ? this.#refined : this.#upscale(this.#refined);
  }

  /** Against drift: the finished latents, held to the statistics of the reference. */
  #held(latents: Float32Array): Float32Array {
    const { reference } = this.#job;
    return reference ? towardsReference(latents, reference, this.#model.manifest.latent.channels) : latents;
  }

  async #decode(tier: Tier, latents: Float32Array): Promise<I420Frame[]> {
    const { latent } = this.#model.manifest;
    const outputs = await this.#run('decoder', { latent: float32(latents, 1, latent.tokens, latent.channels) });
    return this.#frames(tier, outputs);
  }

  async #refine(latents: Float32Array): Promise<I420Frame[]> {
    const { noise, slice } = this.#model.manifest;
    const { seed, startMs } = this.#job;
    const { particles, grain } = this.#model.noise.of(seed);
    const frames: I420Frame[] = [];
    while (frames.length < slice.frames) {
      const length = Math.min(refinerFrames(this.#model.manifest), slice.frames - frames.length);
      const indices = Array.from({ length }, (_, index) => BigInt(frames.length + index));
      const outputs = await this.#run('refiner', {
        ...(await this.#conditioning(latents)),
        particles: float32(particles, 1, noise.particles, 3),
        grain: float32(grain, 1, 1, noise.grainPx, noise.grainPx),
        time_s: float32([startMs / 1000], 1),
        frames: int64(indices, length),
      });
      frames.push(...this.#frames('refined', outputs));
    }
    return frames;
  }

  async #upscale(refined: readonly I420Frame[]): Promise<I420Frame[]> {
    const name = this.#model.manifest.parts.upscaler?.inputs[0]?.name ?? 'refined';
    const frames: I420Frame[] = [];
    while (frames.length < refined.length) {
      const some = refined.slice(frames.length, frames.length + UPSCALER_FRAMES).map(({ data }) => data);
      const outputs = await this.#run('upscaler', { [name]: pictures(some) });
      frames.push(...this.#frames('upscaled', outputs));
    }
    return frames;
  }

  /** The inputs that denoiser and refiner share. */
  async #conditioning(latents: Float32Array): Promise<Tensors> {
    const { manifest } = this.#model;
    const { tokens, channels } = manifest.latent;
    const { previous } = this.#job;
    const condition = await this.#condition();
    return {
      latent: float32(latents, 1, tokens, channels),
      previous: float32(previous ?? new Float32Array(tokens * channels), 1, tokens, channels),
      has_previous: float32([previous === undefined ? 0 : 1], 1),
      condition: float32(condition, 1, manifest.condition.width),
    };
  }

  /** What the prompt means to the model, or what lies between two. */
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

  async #run(part: PartName, feeds: Tensors): Promise<Tensors> {
    const { signal, turn } = this.#options;
    let result: Tensors = {};
    const run = async (): Promise<void> => {
      const { outputs, computeMs } = await this.#model.runtime.run(part, feeds, { signal });
      this.#spentMs += computeMs;
      result = outputs;
    };
    await (turn?.({ kind: kindOf(part, feeds), run }) ?? run());
    return result;
  }

  /** The pictures of output `i420`, uint8 [1, frames, bytes] or [frames, bytes], as views of one buffer. */
  #frames(tier: Tier, outputs: Tensors): I420Frame[] {
    const output = outputs['i420'];
    const size = this.#model.manifest.tiers.find((candidate) => candidate.tier === tier);
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

/** `denoiser:1x32x128`. What is not per item of a batch, the refiner's frames, is part of the kind: `refiner:1x32x128:0-3`. */
function kindOf(part: PartName, feeds: Tensors): string {
  const { latent = Object.values(feeds)[0], frames } = feeds;
  const shape = latent?.shape.join('x') ?? '';
  const indices = frames?.type === 'int64' ? `:${frames.data[0]}-${frames.data.at(-1)}` : '';
  return `${part}:${shape}${indices}`;
}
