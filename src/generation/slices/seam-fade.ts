/**
 * Hides the joint between two slices. The difference between the last frame of one and the first of the next is added
 * to the next slice and fades out over it, so that a jump becomes a drift. Only where nothing moves: there the
 * difference is the model's inaccuracy. Elsewhere it is motion, and fading it would leave a ghost. Works on pictures,
 * so it is the same for every model. Pure. Measured by `seamOf`: docs/slices.md.
 */
import type { I420Frame } from '../../picture/frame.ts';

/** The end of a slice, to join the next one to. */
export interface SliceTail {
  beforeLast: I420Frame;
  last: I420Frame;
}

/** Luma steps from frame to frame at which half of the difference counts as motion. */
const MOTION_LUMA = 3;
/** Radius around a pixel in which motion counts. */
const MOTION_RADIUS_PX = 2;
/** Longest fade; a longer one would change the picture, not the joint. */
const FADE_MAX_MS = 700;

export function tailOf(frames: readonly I420Frame[]): SliceTail | undefined {
  const [beforeLast, last] = frames.slice(-2);
  return beforeLast && last ? { beforeLast, last } : undefined;
}

/** Frames of a slice that a fade touches. */
export const fadeFrames = (frames: number, fps: number): number =>
  Math.min(frames, Math.max(1, Math.round((FADE_MAX_MS * fps) / 1000)));

/** Share of the difference that frame `index` of `length` carries: nearly all at first, nearly none at the end. */
export const fadeShare = (index: number, length: number): number => Math.max(0, 1 - (index + 0.5) / length);

/**
 * Difference of the last picture to the next slice, where nothing moves, sample by sample in the order of the planes.
 * @param head the first two frames of the next slice, of the tail's size
 */
export function seamDifference(tail: SliceTail, [first, second]: readonly [I420Frame, I420Frame]): Float32Array {
  const { widthPx, heightPx } = first;
  const pixels = widthPx * heightPx;
  const difference = new Float32Array(first.data.length);
  // Uses the memory of luma's difference: chroma reads it first. This saves three arrays per joint and session.
  const still = difference.subarray(0, pixels);
  markStillness(still, tail, [first, second]);
  const chromaWidth = widthPx / 2;
  for (let at = pixels; at < difference.length; at++) {
    const sample = (at - pixels) % (pixels / 4);
    const row = Math.floor(sample / chromaWidth);
    const place = row * 2 * widthPx + (sample - row * chromaWidth) * 2;
    difference[at] = (tail.last.data[at]! - first.data[at]!) * still[place]!;
  }
  for (let at = 0; at < pixels; at++) difference[at] = (tail.last.data[at]! - first.data[at]!) * still[at]!;
  return difference;
}

/** A copy of the frame with its share of the difference added. */
export function withDifference(frame: I420Frame, difference: Float32Array, share: number): I420Frame {
  const { data: made } = frame;
  const data = new Uint8Array(made.length);
  for (let at = 0; at < data.length; at++) {
    const value = made[at]! + share * difference[at]!;
    // Much faster than a clamped array; adding a half rounds what is not negative.
    data[at] = value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5;
  }
  return { ...frame, data };
}

/** Writes 1 where nothing moves on either side of the joint, towards 0 where something does. */
function markStillness(still: Float32Array, tail: SliceTail, [first, second]: readonly [I420Frame, I420Frame]): void {
  const { widthPx, heightPx } = first;
  for (let at = 0; at < still.length; at++) {
    const old = Math.abs(tail.last.data[at]! - tail.beforeLast.data[at]!);
    const next = Math.abs(second.data[at]! - first.data[at]!);
    still[at] = Math.max(old, next);
  }
  takeBoxMean(still, widthPx, 1, widthPx);
  takeBoxMean(still, widthPx, widthPx, heightPx);
  for (let at = 0; at < still.length; at++) {
    const part = still[at]! / MOTION_LUMA;
    still[at] = 1 / (1 + part * part);
  }
}

/** Replaces every value by the mean of its neighbours along one axis; `stride` leads to the line's next sample. */
function takeBoxMean(values: Float32Array, widthPx: number, stride: number, length: number): void {
  const before = new Float32Array(length);
  const lines = values.length / length;
  for (let line = 0; line < lines; line++) {
    const start = stride === 1 ? line * widthPx : line;
    for (let at = 0; at < length; at++) before[at] = values[start + at * stride]!;
    let sum = 0;
    let count = 0;
    for (let at = -MOTION_RADIUS_PX; at < length; at++) {
      const entering = at + MOTION_RADIUS_PX;
      if (entering < length) {
        sum += before[entering]!;
        count++;
      }
      const leaving = at - MOTION_RADIUS_PX - 1;
      if (leaving >= 0) {
        sum -= before[leaving]!;
        count--;
      }
      if (at >= 0) values[start + at * stride] = sum / count;
    }
  }
}
