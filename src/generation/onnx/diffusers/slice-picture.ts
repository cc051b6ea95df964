/**
 * Makes one slice of an image model. Noise (or given latents) is denoised step by step. The draft is a linear preview
 * of the first step's x0, the base that x0 decoded, the refined picture the decoded end of the run; with one step both
 * are the same picture, decoded once. Every call of a part is its own unit of work.
 */
import { GlimpseError } from '../../../errors.ts';
import type { I420Frame } from '../../../picture/frame.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../../generator.ts';
import { interpolate } from '../../prompt/interpolation.ts';
import type { Tier } from '../../../picture/tiers.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';
import type { Tensors } from '../process/tensor.ts';
import { DenoiserCall } from './denoiser-call.ts';
import { frameFromPlanes } from './image-frame.ts';
import { previewFrame } from './latent-preview.ts';
import type { DiffusersModel } from './export/layout.ts';
import { stepNoise, walkNoise } from './sampling/noise-walk.ts';
import { floatsOf, tensorFor } from './export/part-tensors.ts';
import { packError } from '../pack/pack-error.ts';
import { STILL_SLICE, type PictureSettings } from './picture-settings.ts';
import type { SamplerStep } from './sampling/sampler.ts';
import type { Conditioning, TextConditioning } from './text-conditioning.ts';

export interface PictureModel {
  model: DiffusersModel;
  settings: PictureSettings;
  runtime: OnnxRuntime;
  text: TextConditioning;
}

export class SlicePicture {
  readonly #of: PictureModel;
  readonly #job: SliceJob;
  readonly #options: GenerateOptions;
  readonly #steps: readonly SamplerStep[];
  #done = 0;
  #latent: Float32Array;
  /** The latest step's x0. */
  #denoised: Float32Array;
  #decoded: { of: Float32Array; frame: I420Frame } | undefined;
  /** Time in the model since the last rendition, in ms. */
  #spentMs = 0;

  /** @throws GlimpseError PARAMETER_INVALID when latents handed in are not of this model, or a strength is no level. */
  constructor(of: PictureModel, job: SliceJob, options: GenerateOptions) {
    this.#of = of;
    this.#job = job;
    this.#options = options;
    const { sampler } = of.model.scheduler;
    const length = lengthOf(of);
    checkStart(job, length);
    const { start, maxSteps = Infinity } = job;
    this.#steps = sampler.plan(Math.min(of.settings.steps, Math.max(1, Math.floor(maxSteps))), start?.strength ?? 1);
    const [first] = this.#steps;
    const noise = walkNoise(job.seed, job.startMs, length);
    this.#latent = first ? sampler.begin(first, noise, start?.latents) : (start?.latents ?? noise);
    this.#denoised = this.#latent;
  }

  /** Computes one tier; call lowest first. @throws GlimpseError ABORTED, GENERATOR_DOWN, MODEL_INVALID */
  async render(tier: Tier, carriesLatents: boolean): Promise<Rendition> {
    const { revision, slice } = this.#job;
    await this.#denoise(tier === 'refined' ? this.#steps.length : 1);
    const latents = tier === 'refined' ? this.#latent : this.#denoised;
    const frame = await this.#picture(tier, latents);
    const frames = Array.from({ length: STILL_SLICE.frames }, () => frame);
    const computeMs = this.#spentMs;
    this.#spentMs = 0;
    return { revision, slice, tier, frames, computeMs, ...(carriesLatents ? { latents } : {}) };
  }

  /** Denoises until `steps` steps, or all, are done. */
  async #denoise(steps: number): Promise<void> {
    const { sampler } = this.#of.model.scheduler;
    while (this.#done < Math.min(steps, this.#steps.length)) {
      const step = this.#steps[this.#done]!;
      const output = await this.#predict(step);
      const noise = (): Float32Array => stepNoise(this.#job.seed, this.#done, this.#latent.length);
      const { denoised, next } = sampler.advance(this.#latent, output, step, noise);
      this.#done += 1;
      this.#denoised = denoised;
      // After the last step both are the same; one array lets the picture be decoded once.
      this.#latent = this.#done === this.#steps.length ? denoised : next;
    }
  }

  async #predict(step: SamplerStep): Promise<Float32Array> {
    const { guidance: rules } = this.#of.settings;
    const guidance = Math.min(rules.range[1], Math.max(rules.range[0], this.#job.guidance ?? rules.default));
    const call = new DenoiserCall(this.#of, { guidance, step });
    const conditional = await this.#conditioning();
    const unconditional = call.needsUnconditional ? await this.#encoded('') : undefined;
    const latent = this.#of.model.scheduler.sampler.input(this.#latent, step);
    let output: Float32Array = new Float32Array(0);
    await this.#unit(call.kind, async () => {
      const result = await call.run(latent, conditional, unconditional, this.#options.signal);
      this.#spentMs += result.computeMs;
      output = result.output;
    });
    if (output.length !== latent.length)
      throw packError(this.#of.model.denoiser.folder, `${latent.length} numbers out`, `${output.length}`);
    return output;
  }

  /** The prompt's conditioning, or a mix of two. */
  async #conditioning(): Promise<Conditioning> {
    const { prompt, mix } = this.#job;
    const own = await this.#encoded(prompt);
    if (mix === undefined) return own;
    const towards = await this.#encoded(mix.towards);
    return { ...own, hidden: interpolate(mix.interpolation, own.hidden, towards.hidden, mix.amount) };
  }

  async #encoded(prompt: string): Promise<Conditioning> {
    const { text, model } = this.#of;
    let found = text.known(prompt);
    if (found) return found;
    await this.#unit(`${model.textEncoder.folder}:1x${model.tokenizer.length}`, async () => {
      const { conditioning, computeMs } = await text.encode(prompt, this.#options.signal);
      this.#spentMs += computeMs;
      found = conditioning;
    });
    if (!found) throw new GlimpseError('GENERATOR_DOWN');
    return found;
  }

  async #picture(tier: Tier, latents: Float32Array): Promise<I420Frame> {
    const { settings } = this.#of;
    const isPreview = tier === 'draft' && settings.tiers[0]?.widthPx !== settings.widthPx;
    if (isPreview) return previewFrame(latents, settings.latentWidthPx, settings.latentHeightPx);
    if (this.#decoded?.of !== latents) this.#decoded = { of: latents, frame: await this.#decode(latents) };
    return this.#decoded.frame;
  }

  async #decode(latents: Float32Array): Promise<I420Frame> {
    const { model, settings, runtime } = this.#of;
    const { channels, scalingFactor, shiftFactor } = model.latent;
    const { folder, signature } = model.decoder;
    const [input] = signature.inputs;
    const [output] = signature.outputs;
    if (!input || !output) throw new GlimpseError('INTERNAL');
    const shape = [1, channels, settings.latentHeightPx, settings.latentWidthPx];
    const scaled = latents.map((value) => value / scalingFactor + shiftFactor);
    const feeds: Tensors = { [input.name]: tensorFor(input, scaled, shape) };
    let picture: Tensors[string] | undefined;
    await this.#unit(`${folder}:${shape.join('x')}`, async () => {
      const { outputs, computeMs } = await runtime.run(folder, feeds, { signal: this.#options.signal });
      this.#spentMs += computeMs;
      picture = outputs[output.name];
    });
    const { widthPx, heightPx } = settings;
    const wanted = [1, 3, heightPx, widthPx];
    if (picture?.shape.join() !== wanted.join())
      throw packError(folder, `a picture of ${wanted.join('x')}`, picture?.shape.join('x') ?? 'none');
    return frameFromPlanes(floatsOf(picture), widthPx, heightPx);
  }

  async #unit(kind: string, run: () => Promise<void>): Promise<void> {
    const { signal, turn } = this.#options;
    if (signal.aborted) throw new GlimpseError('ABORTED');
    await (turn?.({ kind, run }) ?? run());
  }
}

const lengthOf = ({ model, settings }: PictureModel): number =>
  model.latent.channels * settings.latentWidthPx * settings.latentHeightPx;

function checkStart({ start }: SliceJob, expected: number): void {
  if (!start) return;
  if (start.latents.length !== expected)
    throw new GlimpseError('PARAMETER_INVALID', {
      details: { parameter: 'start', expected, found: start.latents.length },
    });
  if (!(start.strength >= 0 && start.strength <= 1))
    throw new GlimpseError('PARAMETER_INVALID', { details: { parameter: 'strength', expected: '0 to 1' } });
}
