/**
 * What keeps an image model's pictures moving: the noise of the timeline walks along arcs from one random point to the
 * next (spherical interpolation, White, "Sampling Generative Networks", 2016), so that neighbouring slices begin almost
 * alike and their pictures resemble each other. Depends on seed and time alone: any slice can be made again by itself,
 * nothing drifts, and a bend goes on where the walk was. Pure.
 */
import { interpolate } from '../../../prompt/interpolation.ts';
import { createRandom, gaussian, latentNoise } from '../../../slices/noise.ts';

/** From one random point to the next; a shorter time moves faster. */
export const WALK_STEP_MS = 12_000;

/** Apart from the streams of noise.ts. */
const STEP_STREAM = 17;

/** Standard normal in every place. @param atMs instant of the timeline */
export function walkNoise(seed: number, atMs: number, length: number): Float32Array<ArrayBuffer> {
  const place = Math.max(0, atMs) / WALK_STEP_MS;
  const point = Math.floor(place);
  const share = place - point;
  const from = latentNoise(seed, point, length);
  return share === 0 ? from : interpolate('spherical', from, latentNoise(seed, point + 1, length), share);
}

/** What stochastic samplers add in step number `step`: the same all along the timeline, so that pictures do not flicker. */
export const stepNoise = (seed: number, step: number, length: number): Float32Array<ArrayBuffer> =>
  gaussian(createRandom(seed, STEP_STREAM, step), length);
