/**
 * Inputs for timing a part: right names, types and shapes, from the manifest alone. The values do not change how long a
 * model takes. Pure.
 */
import { createRandom, gaussian } from '../../slices/noise.ts';
import type { TensorSpec } from '../pack/model-pack.ts';
import type { Tensor, Tensors } from '../process/tensor.ts';

/** Lengths of the free dimensions: `b` the batch, `k` the frames. */
export type FreeSizes = Readonly<Record<string, number>>;

export function timingFeeds(inputs: readonly TensorSpec[], sizes: FreeSizes): Tensors {
  return Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input, sizes)]));
}

function tensorOf({ name, type, shape: declared }: TensorSpec, sizes: FreeSizes): Tensor {
  const shape = declared.map((size) => (typeof size === 'string' ? (sizes[size] ?? 1) : size));
  const length = shape.reduce((product, size) => product * size, 1);
  if (type === 'uint8') return { type, data: new Uint8Array(length).fill(128), shape };
  // Frame indices must lie within the slice; ids may be any.
  if (type === 'int64') return { type, data: BigInt64Array.from({ length }, (_, index) => BigInt(index % 2)), shape };
  // One number per batch item is a noise level, a flag or a time: it stays positive.
  const data = shape.length === 1 ? new Float32Array(length).fill(0.5) : gaussian(createRandom(name.length), length);
  return { type, data, shape };
}
