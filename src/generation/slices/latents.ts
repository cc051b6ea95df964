/**
 * Arithmetic on latents between the runs of a model. Pure. Latents are `[tokens, channels]`, row by row, and noise is
 * added along the straight path of rectified flow (Liu et al., 2022): at noise level `sigma` a latent is
 * `(1 - sigma) * clean + sigma * noise`.
 */
import { denoiseSteps, type DenoiseStep } from './schedule.ts';

/** Share of the difference to the reference that AdaIN removes; the LTX looping sampler's range is 0.1 to 0.3. */
export const REFERENCE_FACTOR = 0.2;

/** Steps left from noise level `strength` on: the first one starts there, the rest are the schedule's own. */
export function stepsFrom(sigmas: readonly number[], strength: number): DenoiseStep[] {
  const below = sigmas.filter((sigma) => sigma < strength);
  return denoiseSteps([strength, ...below]);
}

/** Clean latents raised to a noise level. */
export const raiseNoise = (clean: Float32Array, noise: Float32Array, sigma: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(clean, (value, index) => (1 - sigma) * value + sigma * (noise[index] ?? 0));

/**
 * Adaptive instance normalisation (Huang and Belongie, 2017), by a factor: mean and deviation of each channel go that
 * part of the way to the reference's. 0 changes nothing, 1 makes them equal. Holds off drift over many slices.
 */
export function towardsReference(
  latents: Float32Array,
  reference: Float32Array,
  channels: number,
  factor: number = REFERENCE_FACTOR,
): Float32Array<ArrayBuffer> {
  const result = Float32Array.from(latents);
  for (let channel = 0; channel < channels; channel++) {
    const own = statistics(latents, channel, channels);
    const wanted = statistics(reference, channel, channels);
    // A flat channel has no deviation to scale: only its mean moves.
    const scale = own.deviation > 1e-6 ? wanted.deviation / own.deviation : 1;
    for (let at = channel; at < result.length; at += channels) {
      const value = result[at] as number;
      const normalised = (value - own.mean) * scale + wanted.mean;
      result[at] = value + factor * (normalised - value);
    }
  }
  return result;
}

function statistics(values: Float32Array, channel: number, channels: number): { mean: number; deviation: number } {
  const count = values.length / channels;
  let sum = 0;
  for (let at = channel; at < values.length; at += channels) sum += values[at] as number;
  const mean = sum / count;
  let squares = 0;
  for (let at = channel; at < values.length; at += channels) squares += ((values[at] as number) - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / count) };
}
