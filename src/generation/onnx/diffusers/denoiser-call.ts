/**
 * One step's call of the denoiser, a UNet or a transformer, with all its inputs. With classifier-free guidance it runs
 * for the prompt and for an empty one as one batch: one run of the model if the file leaves the batch open.
 */
import { GlimpseError } from '../../../errors.ts';
import type { RunResult } from '../runtime/run.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';
import type { Tensors } from '../process/tensor.ts';
import { guidanceEmbedding, guided } from './sampling/guidance.ts';
import type { DiffusersModel } from './export/layout.ts';
import type { SignatureTensor } from './export/onnx-signature.ts';
import { GUIDANCE_INPUT, LATENT_INPUTS, TEXT_INPUT, TIMESTEP_INPUT } from './export/part-checks.ts';
import { floatsOf, tensorFor } from './export/part-tensors.ts';
import type { PictureSettings } from './picture-settings.ts';
import type { SamplerStep } from './sampling/sampler.ts';
import type { Conditioning } from './text-conditioning.ts';

export interface DenoiserHost {
  model: DiffusersModel;
  settings: PictureSettings;
  runtime: OnnxRuntime;
}

export class DenoiserCall {
  readonly #host: DenoiserHost;
  readonly #guidance: number;
  readonly #step: SamplerStep;

  constructor(host: DenoiserHost, { guidance, step }: { guidance: number; step: SamplerStep }) {
    this.#host = host;
    this.#guidance = guidance;
    this.#step = step;
  }

  get needsUnconditional(): boolean {
    return this.#guidance > 1 && this.#host.model.denoiser.guidanceWidth === undefined;
  }

  /** Runs of one kind may be one batch: same shape, same timestep. */
  get kind(): string {
    const { model } = this.#host;
    return `${model.denoiser.folder}:${this.#latentShape.join('x')}@${this.#step.timestep}`;
  }

  /** @param latent as the sampler gives it in @throws GlimpseError ABORTED, GENERATOR_DOWN */
  async run(
    latent: Float32Array,
    conditional: Conditioning,
    unconditional: Conditioning | undefined,
    signal: AbortSignal,
  ): Promise<{ output: Float32Array; computeMs: number }> {
    const asked = unconditional ? [unconditional, conditional] : [conditional];
    const { runtime, model } = this.#host;
    const part = model.denoiser.folder;
    const begun = runtime.begin(
      asked.map((conditioning) => ({ part, feeds: this.#feeds(latent, conditioning), signal })),
    );
    const results = await Promise.all(begun.results);
    const [first, second] = results.map((result) => this.#output(result));
    if (!first) throw new GlimpseError('GENERATOR_DOWN');
    const computeMs = results.reduce((sum, result) => sum + result.computeMs, 0);
    return { output: second ? guided(first, second, this.#guidance) : first, computeMs };
  }

  #output({ outputs }: RunResult): Float32Array {
    return floatsOf(outputs[this.#host.model.denoiser.signature.outputs[0]?.name ?? '']);
  }

  #feeds(latent: Float32Array, { hidden, shape }: Conditioning): Tensors {
    const { signature, guidanceWidth = 0 } = this.#host.model.denoiser;
    const feed = (input: SignatureTensor): Tensors[string] => {
      if (LATENT_INPUTS.includes(input.name)) return tensorFor(input, latent, this.#latentShape);
      if (input.name === TEXT_INPUT) return tensorFor(input, hidden, shape);
      if (input.name === TIMESTEP_INPUT)
        return tensorFor(
          input,
          [this.#step.timestep],
          input.shape.map(() => 1),
        );
      if (input.name === GUIDANCE_INPUT)
        return tensorFor(input, guidanceEmbedding(this.#guidance, guidanceWidth), [1, guidanceWidth]);
      throw new GlimpseError('INTERNAL', { message: `nothing to feed ${input.name}` });
    };
    return Object.fromEntries(signature.inputs.map((input) => [input.name, feed(input)]));
  }

  get #latentShape(): number[] {
    const { model, settings } = this.#host;
    return [1, model.latent.channels, settings.latentHeightPx, settings.latentWidthPx];
  }
}
