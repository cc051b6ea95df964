/**
 * How much noise a latent holds at each training timestep, and which timesteps a run visits. Definitions: DDPM (Ho et
 * al., 2020) for betas, "Common Diffusion Noise Schedules and Sample Steps are Flawed" (Lin et al., 2023), table 2, for
 * the spacings. Rounding is NumPy's (half to even), so that timesteps equal those a model was exported with. Pure.
 */

import { assertNever } from '../../../../errors.ts';

export const BETA_SCHEDULES = ['linear', 'scaled_linear', 'squaredcos_cap_v2'] as const;
export type BetaSchedule = (typeof BETA_SCHEDULES)[number];
export const TIMESTEP_SPACINGS = ['linspace', 'leading', 'trailing'] as const;
export type TimestepSpacing = (typeof TIMESTEP_SPACINGS)[number];

export interface BetaRules {
  schedule: BetaSchedule;
  start: number;
  end: number;
  /** Timesteps of the training, usually 1000. */
  trainSteps: number;
}

/** Share of the picture left in the variance at each timestep (alpha bar), falling from nearly 1 to nearly 0. */
export function alphasCumulative({ schedule, start, end, trainSteps }: BetaRules): Float64Array {
  const alphas = new Float64Array(trainSteps);
  let product = 1;
  for (let step = 0; step < trainSteps; step++) {
    product *= 1 - betaAt(step, { schedule, start, end, trainSteps });
    alphas[step] = product;
  }
  return alphas;
}

function betaAt(step: number, { schedule, start, end, trainSteps }: BetaRules): number {
  const share = trainSteps > 1 ? step / (trainSteps - 1) : 0;
  if (schedule === 'linear') return start + (end - start) * share;
  if (schedule === 'scaled_linear') return (Math.sqrt(start) + (Math.sqrt(end) - Math.sqrt(start)) * share) ** 2;
  // Nichol and Dhariwal, 2021, equation 17.
  const cosine = (at: number): number => Math.cos(((at / trainSteps + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
  return Math.min(1 - cosine(step + 1) / cosine(step), 0.999);
}

export interface SpacingRules {
  spacing: TimestepSpacing;
  trainSteps: number;
  /** Added to every timestep of `leading`. */
  offset: number;
}

/** The timesteps of a run of `steps`, highest first; those of `linspace` need not be whole. */
export function spacedTimesteps(steps: number, { spacing, trainSteps, offset }: SpacingRules): number[] {
  const indices = Array.from({ length: steps }, (_, index) => index);
  switch (spacing) {
    case 'linspace':
      return indices.map((index) => (steps === 1 ? 0 : (trainSteps - 1) * (1 - index / (steps - 1))));
    case 'leading': {
      const stride = Math.floor(trainSteps / steps);
      return indices.map((index) => (steps - 1 - index) * stride + offset);
    }
    case 'trailing':
      return indices.map((index) => halfToEven(trainSteps - (index * trainSteps) / steps) - 1);
    default:
      return assertNever(spacing);
  }
}

/** Linear interpolation of `values` at a fractional index. */
export function valueAt(values: ArrayLike<number>, place: number): number {
  const low = Math.min(values.length - 1, Math.max(0, Math.floor(place)));
  const high = Math.min(values.length - 1, low + 1);
  return values[low]! + (values[high]! - values[low]!) * Math.max(0, place - low);
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
