/**
 * Interpolates between two vectors: straight (linear), or along the arc between them (spherical: Shoemake, Animating
 * Rotation with Quaternion Curves, 1985). A straight mix of two noises or two directions is shorter than either; a
 * point on the arc is not. A straight mix of probabilities still sums to one. Both ends are exact. Pure.
 */
export type Interpolation = 'linear' | 'spherical';

/** Sine of the angle below which vectors are almost parallel or opposite and have no usable arc. */
const SMALLEST_SINE = 1e-4;

/** @param amount share of `to`, clamped to [0, 1]. Both vectors have one length; neither is changed. */
export function interpolate(
  kind: Interpolation,
  from: Float32Array,
  to: Float32Array,
  amount: number,
): Float32Array<ArrayBuffer> {
  const share = Math.min(1, Math.max(0, amount));
  if (share === 0) return Float32Array.from(from);
  if (share === 1) return Float32Array.from(to);
  return kind === 'linear' ? weighted(from, to, 1 - share, share) : alongArc(from, to, share);
}

/** Direction along the arc; the length changes linearly, so equal lengths stay equal. */
function alongArc(from: Float32Array, to: Float32Array, share: number): Float32Array<ArrayBuffer> {
  const [fromLength, toLength] = [lengthOf(from), lengthOf(to)];
  const cosine = Math.min(1, Math.max(-1, dot(from, to) / (fromLength * toLength)));
  const angle = Math.acos(cosine);
  if (!(Math.sin(angle) > SMALLEST_SINE)) return weighted(from, to, 1 - share, share);
  const length = fromLength + (toLength - fromLength) * share;
  const fromWeight = (Math.sin((1 - share) * angle) / Math.sin(angle)) * (length / fromLength);
  const toWeight = (Math.sin(share * angle) / Math.sin(angle)) * (length / toLength);
  return weighted(from, to, fromWeight, toWeight);
}

const weighted = (a: Float32Array, b: Float32Array, aWeight: number, bWeight: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(a, (value, index) => value * aWeight + (b[index] ?? 0) * bWeight);

const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

const lengthOf = (vector: Float32Array): number => Math.sqrt(dot(vector, vector));
