/** Measures of pictures against pictures: PSNR between tiers, shift of composition, change from frame to frame. Pure. */
import type { I420Frame } from '../../src/picture/frame.ts';
import { scaleI420 } from '../../src/media/encode/scale.ts';

/** How far a shift is looked for, px. */
const SHIFT_MAX_PX = 3;

const lumaOf = ({ data, widthPx, heightPx }: I420Frame): Uint8Array => data.subarray(0, widthPx * heightPx);

/** Of luma, in dB, over all frames; each frame of `pictures` is first brought to the reference's size. */
export function lumaPsnrDb(pictures: readonly I420Frame[], reference: readonly I420Frame[]): number {
  let squares = 0;
  let samples = 0;
  for (const [index, wanted] of reference.entries()) {
    const picture = pictures[index];
    if (!picture) continue;
    const luma = lumaOf(scaleI420(picture, wanted.widthPx, wanted.heightPx));
    const wantedLuma = lumaOf(wanted);
    for (const [at, sample] of luma.entries()) squares += (sample - (wantedLuma[at] ?? 0)) ** 2;
    samples += luma.length;
  }
  return squares === 0 ? Infinity : 10 * Math.log10((255 ** 2 * samples) / squares);
}

/**
 * By how much `moved` lies beside `frame`, in px of `frame`'s size: the whole-pixel shift of least squared difference,
 * made finer by the parabola through its neighbours.
 */
export function shiftPx(frame: I420Frame, moved: I420Frame): number {
  const { widthPx, heightPx } = frame;
  const a = lumaOf(frame);
  const b = lumaOf(scaleI420(moved, widthPx, heightPx));
  const difference = (dx: number, dy: number): number => {
    let squares = 0;
    let samples = 0;
    const margin = SHIFT_MAX_PX + 1;
    for (let y = margin; y < heightPx - margin; y++)
      for (let x = margin; x < widthPx - margin; x++) {
        squares += ((a[y * widthPx + x] ?? 0) - (b[(y + dy) * widthPx + x + dx] ?? 0)) ** 2;
        samples += 1;
      }
    return squares / samples;
  };
  let best = { dx: 0, dy: 0, value: difference(0, 0) };
  for (let dy = -SHIFT_MAX_PX; dy <= SHIFT_MAX_PX; dy++)
    for (let dx = -SHIFT_MAX_PX; dx <= SHIFT_MAX_PX; dx++) {
      const value = difference(dx, dy);
      if (value < best.value) best = { dx, dy, value };
    }
  const { dx, dy, value } = best;
  const x = dx + vertex(difference(dx - 1, dy), value, difference(dx + 1, dy));
  const y = dy + vertex(difference(dx, dy - 1), value, difference(dx, dy + 1));
  return Math.hypot(x, y);
}

/** Where the parabola through three equally spaced values is least, from the middle one; within half a step. */
function vertex(before: number, middle: number, after: number): number {
  const bend = before - 2 * middle + after;
  return bend <= 0 ? 0 : Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend)));
}

/** Mean absolute difference of luma from one frame to the next, in levels of 255. */
export function changeBetween(a: I420Frame, b: I420Frame): number {
  const [first, second] = [lumaOf(a), lumaOf(b)];
  let sum = 0;
  for (const [at, sample] of first.entries()) sum += Math.abs(sample - (second[at] ?? 0));
  return sum / first.length;
}

/** Change across the borders of slices over the change inside them; 1 is a border that nobody sees. */
export class SeamMeter {
  #across = { sum: 0, count: 0 };
  #inside = { sum: 0, count: 0 };
  #last: I420Frame | undefined;

  /** A clip's slices one after another; `first` begins another clip. */
  add(slice: readonly I420Frame[], first: boolean): void {
    if (first) this.#last = undefined;
    for (const [index, frame] of slice.entries()) {
      const into = index === 0 ? this.#across : this.#inside;
      if (this.#last) {
        into.sum += changeBetween(this.#last, frame);
        into.count += 1;
      }
      this.#last = frame;
    }
  }

  /** NaN before there was a border. */
  get ratio(): number {
    return this.#across.sum / this.#across.count / (this.#inside.sum / this.#inside.count);
  }
}
