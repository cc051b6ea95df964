/**
 * Scales I420 in plain JavaScript: Catmull-Rom (a cubic through the samples) up, area average down. Separable; the taps
 * of each axis are computed once per pair of sizes and cached. Used where node-av is not loaded.
 */
import { type I420Frame, i420Bytes } from '../../picture/frame.ts';

/** Weights are integers that sum to this. */
const UNIT_BITS = 14;
const UNIT = 1 << UNIT_BITS;
/** Precision kept between the two passes: 255 · 2^6 and the cubic's overshoot fit 16 bits. */
const MIDDLE_BITS = 6;
/** Pairs of sizes whose taps are kept; a session uses four (luma and chroma, two axes) for each tier. */
const TAPS_KEPT = 64;

/** For each output sample, `count` weights for the input samples from `first` on (clamped at the edges beforehand). */
interface Taps {
  count: number;
  /** Input index of each tap: `outputs * count`. */
  index: Int32Array;
  /** Weight of each tap: `outputs * count`. */
  weight: Int32Array;
}

const tapsBySizes = new Map<string, Taps>();

/**
 * The frame at another size; the same frame if it has that size already.
 * `widthPx` and `heightPx` are even, at least 2.
 */
export function scaleI420(frame: I420Frame, widthPx: number, heightPx: number): I420Frame {
  if (frame.widthPx === widthPx && frame.heightPx === heightPx) return frame;
  const data = new Uint8ClampedArray(i420Bytes(widthPx, heightPx));
  let from = 0;
  let to = 0;
  for (const half of [1, 2, 2]) {
    const source = { widthPx: frame.widthPx / half, heightPx: frame.heightPx / half };
    const target = { widthPx: widthPx / half, heightPx: heightPx / half };
    const fromEnd = from + source.widthPx * source.heightPx;
    const toEnd = to + target.widthPx * target.heightPx;
    scalePlane(frame.data.subarray(from, fromEnd), source, data.subarray(to, toEnd), target);
    from = fromEnd;
    to = toEnd;
  }
  return { widthPx, heightPx, data: new Uint8Array(data.buffer) };
}

interface Size {
  widthPx: number;
  heightPx: number;
}

function scalePlane(source: Uint8Array, sourceSize: Size, target: Uint8ClampedArray, targetSize: Size): void {
  const middle = new Int16Array(targetSize.widthPx * sourceSize.heightPx);
  scaleRows(source, sourceSize, middle, targetSize.widthPx);
  scaleColumns(middle, sourceSize.heightPx, target, targetSize);
}

function scaleRows(source: Uint8Array, { widthPx, heightPx }: Size, middle: Int16Array, outputs: number): void {
  const { count, index, weight } = tapsFor(widthPx, outputs);
  const shift = UNIT_BITS - MIDDLE_BITS;
  const half = 1 << (shift - 1);
  for (let y = 0; y < heightPx; y += 1) {
    const row = y * widthPx;
    const out = y * outputs;
    let tap = 0;
    for (let x = 0; x < outputs; x += 1) {
      let sum = half;
      for (let k = 0; k < count; k += 1) {
        sum += (source[row + index[tap]!]! * weight[tap]!) | 0;
        tap += 1;
      }
      middle[out + x] = sum >> shift;
    }
  }
}

/** Row by row, so that the inner loop follows memory order. */
function scaleColumns(
  middle: Int16Array,
  inputs: number,
  target: Uint8ClampedArray,
  { widthPx, heightPx }: Size,
): void {
  const { count, index, weight } = tapsFor(inputs, heightPx);
  const shift = UNIT_BITS + MIDDLE_BITS;
  const sums = new Int32Array(widthPx);
  for (let y = 0; y < heightPx; y += 1) {
    sums.fill(1 << (shift - 1));
    for (let k = 0; k < count; k += 1) {
      const row = index[y * count + k]! * widthPx;
      const factor = weight[y * count + k]!;
      if (factor === 0) continue;
      for (let x = 0; x < widthPx; x += 1) sums[x] = (sums[x]! + middle[row + x]! * factor) | 0;
    }
    const out = y * widthPx;
    for (let x = 0; x < widthPx; x += 1) target[out + x] = sums[x]! >> shift;
  }
}

function tapsFor(inputs: number, outputs: number): Taps {
  const key = `${inputs}>${outputs}`;
  const kept = tapsBySizes.get(key);
  if (kept !== undefined) return kept;
  const taps = outputs >= inputs ? cubicTaps(inputs, outputs) : areaTaps(inputs, outputs);
  if (tapsBySizes.size >= TAPS_KEPT) tapsBySizes.delete(tapsBySizes.keys().next().value ?? key);
  tapsBySizes.set(key, taps);
  return taps;
}

function cubicTaps(inputs: number, outputs: number): Taps {
  return makeTaps(inputs, outputs, 4, (output) => {
    const centre = ((output + 0.5) * inputs) / outputs - 0.5;
    const first = Math.floor(centre) - 1;
    return { first, weights: [0, 1, 2, 3].map((k) => catmullRom(centre - (first + k))) };
  });
}

/** Keys' cubic with a = -1/2 (Catmull-Rom). */
function catmullRom(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}

function areaTaps(inputs: number, outputs: number): Taps {
  const span = inputs / outputs;
  const count = Math.ceil(span) + 1;
  return makeTaps(inputs, outputs, count, (output) => {
    const start = output * span;
    const first = Math.floor(start);
    const covered = (k: number): number => Math.min(first + k + 1, start + span) - Math.max(first + k, start);
    return { first, weights: Array.from({ length: count }, (_, k) => Math.max(0, covered(k) / span)) };
  });
}

type Weigher = (output: number) => { first: number; weights: number[] };

function makeTaps(inputs: number, outputs: number, count: number, weigh: Weigher): Taps {
  const index = new Int32Array(outputs * count);
  const weight = new Int32Array(outputs * count);
  for (let output = 0; output < outputs; output += 1) {
    const { first, weights } = weigh(output);
    let left = UNIT;
    let heaviest = 0;
    for (let k = 0; k < count; k += 1) {
      const at = output * count + k;
      index[at] = Math.min(inputs - 1, Math.max(0, first + k));
      weight[at] = Math.round((weights[k] ?? 0) * UNIT);
      left -= weight[at] ?? 0;
      if ((weights[k] ?? 0) > (weights[heaviest] ?? 0)) heaviest = k;
    }
    // The heaviest tap takes the rounding error, so that a flat picture stays exactly flat.
    weight[output * count + heaviest] = (weight[output * count + heaviest] ?? 0) + left;
  }
  return { count, index, weight };
}
