/**
 * Keeps an image model's pictures moving. The noise moves along arcs from one random point to the next (spherical
 * interpolation, White, "Sampling Generative Networks", 2016), so neighbouring slices start almost alike and their
 * pictures resemble each other. It depends on seed and time alone: any slice can be made again by itself, nothing
 * drifts, and a steered revision continues where the last was. Pure.
 */
import { interpolate } from '../../../prompt/interpolation.ts';
import { createRandom, gaussian, latentNoise } from '../../../slices/noise.ts';

/** Time from one random point to the next; a shorter time moves faster. */
export const WALK_STEP_MS = 12_000;

/** Separate from the streams of noise.ts. */
const STEP_STREAM = 17;

/** Standard normal. @param atMs time on the timeline */
export function walkNoise(seed: number, atMs: number, length: number): Float32Array<ArrayBuffer> {
  const place = Math.max(0, atMs) / WALK_STEP_MS;
  const point = Math.floor(place);
  const share = place - point;
  const from = latentNoise(seed, point, length);
  return share === 0 ? from : interpolate('spherical', from, latentNoise(seed, point + 1, length), share);
}

/** Noise that stochastic samplers add in step `step`: the same along the timeline, so that pictures do not flicker. */
export const stepNoise = (seed: number, step: number, length: number): Float32Array<ArrayBuffer> =>
  gaussian(createRandom(seed, STEP_STREAM, step), length);
