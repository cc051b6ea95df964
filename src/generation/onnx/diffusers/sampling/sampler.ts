/**
 * What the denoising loop asks of a scheduler. All implementations are pure: noise is an argument, and a step holds
 * everything that its arithmetic needs. Latents are flat [channels, height, width].
 */

/** One call of the denoiser. `sigma` is in the scheduler's own unit and falls from step to step, at last to 0. */
export interface SamplerStep {
  /** Timestep input of the denoiser. */
  timestep: number;
  sigma: number;
  sigmaNext: number;
}

export interface StepResult {
  /** The finished latent as this step sees it (x0). */
  denoised: Float32Array;
  next: Float32Array;
}

export interface Sampler {
  /**
   * The steps of a run.
   * @param steps of a run from pure noise, from 1 on
   * @param strength noise level the run begins at, in [0, 1]: 1 is pure noise, 0 leaves no step
   */
  plan(steps: number, strength: number): SamplerStep[];
  /** The initial latent of a run; noise alone without `clean`. */
  begin(first: SamplerStep, noise: Float32Array, clean: Float32Array | undefined): Float32Array;
  /** The latent scaled as the denoiser expects. */
  input(latent: Float32Array, step: SamplerStep): Float32Array;
  /** @param noise standard normal, of the latent's length; only stochastic samplers use it */
  advance(latent: Float32Array, output: Float32Array, step: SamplerStep, noise: () => Float32Array): StepResult;
}

export const PREDICTION_TYPES = ['epsilon', 'v_prediction', 'sample'] as const;
export type PredictionType = (typeof PREDICTION_TYPES)[number];

/**
 * Timesteps left from noise level `strength` on: the first is that level, the rest are the run's own. So a run from
 * latents never starts with less noise than asked for, and has at least one step.
 */
export function timestepsFrom(timesteps: readonly number[], strength: number, trainSteps: number): number[] {
  if (strength >= 1) return [...timesteps];
  if (strength <= 0) return [];
  const first = Math.max(1, Math.round(strength * trainSteps)) - 1;
  return [first, ...timesteps.filter((timestep) => timestep < first)];
}

/** `a * as + b * bs`, value by value. */
export const mixed = (a: number, as: Float32Array, b: number, bs: Float32Array): Float32Array<ArrayBuffer> => {
  const result = new Float32Array(as.length);
  for (let at = 0; at < result.length; at++) result[at] = a * as[at]! + b * bs[at]!;
  return result;
};
