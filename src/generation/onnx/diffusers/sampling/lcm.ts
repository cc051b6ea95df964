/**
 * Multistep sampling of Latent Consistency Models (Luo et al., 2023, algorithm 3). Each step jumps to the finished
 * latent by the consistency function `c_skip * latent + c_out * x0` and raises it to the next step's noise. Its
 * timesteps are spread evenly over those of the distillation. Pure.
 */
import { assertNever } from '../../../../errors.ts';
import { alphasCumulative, type BetaRules } from './noise-levels.ts';
import { mixed, type PredictionType, type Sampler, type SamplerStep, type StepResult } from './sampler.ts';

/** The data's deviation in the boundary conditions; the paper's value. */
const SIGMA_DATA = 0.5;

export interface LcmRules {
  betas: BetaRules;
  /** Steps of the distillation's own solver, usually 50. */
  originalSteps: number;
  /** Makes the boundary conditions steeper; usually 10. */
  timestepScaling: number;
  prediction: PredictionType;
}

/** `c_skip` and `c_out`: at timestep 0 the consistency function is the identity. */
export function boundaryConditions(timestep: number, scaling: number): { skip: number; out: number } {
  const scaled = timestep * scaling;
  const variance = scaled ** 2 + SIGMA_DATA ** 2;
  return { skip: SIGMA_DATA ** 2 / variance, out: scaled / Math.sqrt(variance) };
}

export class LcmSampler implements Sampler {
  readonly #rules: LcmRules;
  readonly #alphas: Float64Array;

  constructor(rules: LcmRules) {
    this.#rules = rules;
    this.#alphas = alphasCumulative(rules.betas);
  }

  /** `sigma` is the timestep's share of noise, sqrt(1 - alpha bar). Steps beyond the distillation's are left out. */
  plan(steps: number, strength: number): SamplerStep[] {
    const { betas, originalSteps } = this.#rules;
    const stride = Math.floor(betas.trainSteps / originalSteps);
    const origin = Array.from({ length: Math.floor(originalSteps * strength) }, (_, index) => (index + 1) * stride - 1);
    // A weak start has few timesteps left, but at least one.
    if (origin.length === 0 && strength > 0) origin.push(stride - 1);
    origin.reverse();
    const count = Math.min(strength >= 1 ? steps : Math.ceil(steps * strength), origin.length);
    const timesteps = Array.from({ length: count }, (_, index) => origin[Math.floor((index * origin.length) / count)]!);
    const sigmas = [...timesteps.map((timestep) => Math.sqrt(1 - this.#alphas[timestep]!)), 0];
    return timesteps.map((timestep, index) => ({ timestep, sigma: sigmas[index]!, sigmaNext: sigmas[index + 1]! }));
  }

  begin({ sigma }: SamplerStep, noise: Float32Array, clean: Float32Array | undefined): Float32Array {
    return clean ? mixed(Math.sqrt(1 - sigma ** 2), clean, sigma, noise) : noise;
  }

  input(latent: Float32Array): Float32Array {
    return latent;
  }

  advance(latent: Float32Array, output: Float32Array, step: SamplerStep, noise: () => Float32Array): StepResult {
    const { skip, out } = boundaryConditions(step.timestep, this.#rules.timestepScaling);
    const denoised = mixed(skip, latent, out, this.#finished(latent, output, step));
    if (step.sigmaNext === 0) return { denoised, next: denoised };
    return { denoised, next: mixed(Math.sqrt(1 - step.sigmaNext ** 2), denoised, step.sigmaNext, noise()) };
  }

  #finished(latent: Float32Array, output: Float32Array, { sigma }: SamplerStep): Float32Array {
    const signal = Math.sqrt(1 - sigma ** 2);
    switch (this.#rules.prediction) {
      case 'epsilon':
        return mixed(1 / signal, latent, -sigma / signal, output);
      case 'v_prediction':
        return mixed(signal, latent, -sigma, output);
      case 'sample':
        return output;
      default:
        return assertNever(this.#rules.prediction);
    }
  }
}
