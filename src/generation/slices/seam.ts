/**
 * How visible the joint between two slices is: the mean change from the last frame of one to the first of the next,
 * divided by the mean change from frame to frame inside the slices. 1 is an invisible joint. A still picture has no
 * change inside, so differences have a floor. Luma only: that is where the eye finds edges. Pure.
 */
import type { I420Frame } from '../../picture/frame.ts';

export interface Seam {
  /** Mean absolute luma difference across boundaries, 0 to 255; 0 when there is no boundary. */
  boundary: number;
  /** The same between neighbouring frames inside slices. */
  inside: number;
  /** Boundary against inside; 1 means no seam. */
  ratio: number;
}

/** Smaller differences count as this many luma steps: two still pictures would make an endless ratio. */
const STILL_LUMA = 0.05;

/** Mean absolute luma difference of two pictures of one size, 0 to 255. */
export function frameDifference(a: I420Frame, b: I420Frame): number {
  const pixels = a.widthPx * a.heightPx;
  let sum = 0;
  for (let pixel = 0; pixel < pixels; pixel++) sum += Math.abs((a.data[pixel] ?? 0) - (b.data[pixel] ?? 0));
  return sum / pixels;
}

/** @param slices frames of consecutive slices at one tier, all of one size */
export function seamOf(slices: readonly (readonly I420Frame[])[]): Seam {
  const inside = slices.flatMap((frames) => differences(frames));
  const edges = slices.flatMap((frames) => [frames.at(0), frames.at(-1)]);
  const boundary = slices.slice(1).map((_, index) => {
    const [last, first] = [edges[index * 2 + 1], edges[index * 2 + 2]];
    return last && first ? frameDifference(last, first) : 0;
  });
  const result = { boundary: mean(boundary), inside: mean(inside) };
  const ratio = boundary.length === 0 ? 1 : Math.max(result.boundary, STILL_LUMA) / Math.max(result.inside, STILL_LUMA);
  return { ...result, ratio };
}

const differences = (frames: readonly I420Frame[]): number[] =>
  frames.slice(1).map((frame, index) => frameDifference(frames[index] as I420Frame, frame));

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
