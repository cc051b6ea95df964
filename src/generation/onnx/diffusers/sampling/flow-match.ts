/**
 * Euler's method on the straight path of rectified flow (Liu et al., 2022; Esser et al., 2024, with their `shift` of
 * the noise levels for larger pictures). A latent is `(1 - sigma) * clean + sigma * noise`; the model predicts the
 * velocity `noise - clean`. Pure.
 */
import { mixed, type Sampler, type SamplerStep, type StepResult } from './sampler.ts';

export interface FlowMatchRules {
  trainSteps: number;
  /** 1 leaves the levels as they are; 3 is what SD3 was made for. */
  shift: number;
}

/** Esser et al., 2024, equation 23: both ends stay, what is between rises. */
export const shiftSigma = (sigma: number, shift: number): number => (shift * sigma) / (1 + (shift - 1) * sigma);

export class FlowMatchSampler implements Sampler {
  readonly #rules: FlowMatchRules;

  constructor(rules: FlowMatchRules) {
    this.#rules = rules;
  }

  /**
   * Levels fall evenly from 1 to the least training level, which is itself shifted, and are then shifted. So the last
   * one is shifted twice, as in the models' own exports.
   */
  plan(steps: number, strength: number): SamplerStep[] {
    const { trainSteps, shift } = this.#rules;
    const least = shiftSigma(1 / trainSteps, shift);
    const all = Array.from({ length: steps }, (_, index) =>
      shiftSigma(steps === 1 ? 1 : 1 + ((least - 1) * index) / (steps - 1), shift),
    );
    const sigmas = strength >= 1 ? all : strength <= 0 ? [] : [strength, ...all.filter((sigma) => sigma < strength)];
    return sigmas.map((sigma, index) => ({ timestep: sigma * trainSteps, sigma, sigmaNext: sigmas[index + 1] ?? 0 }));
  }

  begin({ sigma }: SamplerStep, noise: Float32Array, clean: Float32Array | undefined): Float32Array {
    return clean ? mixed(1 - sigma, clean, sigma, noise) : noise;
  }

  input(latent: Float32Array): Float32Array {
    return latent;
  }

  advance(latent: Float32Array, output: Float32Array, { sigma, sigmaNext }: SamplerStep): StepResult {
    return { denoised: mixed(1, latent, -sigma, output), next: mixed(1, latent, sigmaNext - sigma, output) };
  }
}
