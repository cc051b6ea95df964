/**
 * Euler's method on the probability-flow ODE, in the variance-exploding form of "Elucidating the Design Space of
 * Diffusion-Based Generative Models" (Karras et al., 2022), algorithm 2 without churn. A latent is `clean + sigma *
 * noise`; `sigma` follows from the training's alphas. For SD, SDXL and SD-Turbo (1 to 4 steps, trailing). Pure.
 */
import { assertNever } from '../../../../errors.ts';
import { alphasCumulative, spacedTimesteps, valueAt, type BetaRules, type SpacingRules } from './noise-levels.ts';
import {
  mixed,
  timestepsFrom,
  type PredictionType,
  type Sampler,
  type SamplerStep,
  type StepResult,
} from './sampler.ts';

export interface EulerRules {
  betas: BetaRules;
  spacing: SpacingRules['spacing'];
  stepsOffset: number;
  prediction: PredictionType;
}

export class EulerSampler implements Sampler {
  readonly #rules: EulerRules;
  /** Of every training timestep. */
  readonly #sigmas: Float64Array;

  constructor(rules: EulerRules) {
    this.#rules = rules;
    this.#sigmas = alphasCumulative(rules.betas).map((alpha) => Math.sqrt((1 - alpha) / alpha));
  }

  plan(steps: number, strength: number): SamplerStep[] {
    const { spacing, stepsOffset, betas } = this.#rules;
    const { trainSteps } = betas;
    const all = spacedTimesteps(steps, { spacing, trainSteps, offset: stepsOffset });
    const timesteps = timestepsFrom(all, strength, trainSteps);
    const sigmas = [...timesteps.map((timestep) => valueAt(this.#sigmas, timestep)), 0];
    return timesteps.map((timestep, index) => ({ timestep, sigma: sigmas[index]!, sigmaNext: sigmas[index + 1]! }));
  }

  /** With `leading` the first timestep is not the noisiest: it has the variance of noise and picture together. */
  begin({ sigma }: SamplerStep, noise: Float32Array, clean: Float32Array | undefined): Float32Array {
    if (clean) return mixed(1, clean, sigma, noise);
    const scale = this.#rules.spacing === 'leading' ? Math.sqrt(sigma ** 2 + 1) : sigma;
    return noise.map((value) => value * scale);
  }

  input(latent: Float32Array, { sigma }: SamplerStep): Float32Array {
    const scale = 1 / Math.sqrt(sigma ** 2 + 1);
    return latent.map((value) => value * scale);
  }

  advance(latent: Float32Array, output: Float32Array, { sigma, sigmaNext }: SamplerStep): StepResult {
    const denoised = this.#denoised(latent, output, sigma);
    // The slope is (latent - denoised) / sigma.
    const kept = sigmaNext / sigma;
    return { denoised, next: mixed(kept, latent, 1 - kept, denoised) };
  }

  #denoised(latent: Float32Array, output: Float32Array, sigma: number): Float32Array {
    switch (this.#rules.prediction) {
      case 'epsilon':
        return mixed(1, latent, -sigma, output);
      case 'v_prediction':
        return mixed(1 / (sigma ** 2 + 1), latent, -sigma / Math.sqrt(sigma ** 2 + 1), output);
      case 'sample':
        return output;
      default:
        return assertNever(this.#rules.prediction);
    }
  }
}
