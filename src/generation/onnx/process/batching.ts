/**
 * Several runs of one part as one run. Feeds are joined along the batch axis (every tensor whose first dimension the
 * pack calls `b`), outputs split again. Runs fit together if everything else is equal. Exact, not approximate: the
 * result for one item does not depend on the others. Pure; the inference process calls it.
 */
import { GlimpseError } from '../../../errors.ts';
import type { Tensor, Tensors, TensorShape } from './tensor.ts';

/** The pack's name for the batch axis. */
const BATCH = 'b';
const isBatched = ({ shape }: TensorShape): boolean => shape[0] === BATCH;

export interface PartTensors {
  inputs: readonly TensorShape[];
  outputs: readonly TensorShape[];
}

/** True when `a` and `b` may be one run of this part. */
export const canJoin = ({ inputs, outputs }: PartTensors, a: Tensors, b: Tensors): boolean =>
  inputs.some(isBatched) &&
  outputs.every(isBatched) &&
  inputs.every((spec) => {
    const one = a[spec.name];
    const other = b[spec.name];
    if (!one || !other || one.type !== other.type) return false;
    if (isBatched(spec)) return one.shape.slice(1).join() === other.shape.slice(1).join();
    return one.shape.join() === other.shape.join() && one.data.every((value, index) => value === other.data[index]);
  });

/** How many items of the batch axis these feeds hold. */
export function itemsOf({ inputs }: PartTensors, feeds: Tensors): number {
  const spec = inputs.find(isBatched);
  return (spec && feeds[spec.name]?.shape[0]) ?? 1;
}

/** Joins the feeds of several runs into one run's; copies the tensors. */
export function joinFeeds({ inputs }: PartTensors, runs: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    inputs.map((spec) => {
      const tensors = runs.map((feeds) => required(feeds, spec.name));
      return [spec.name, isBatched(spec) ? concatenate(tensors) : (tensors[0] as Tensor)];
    }),
  );
}

/** The outputs of each of several joined runs, `items[i]` batch items for run i; copies. */
export function splitOutputs({ outputs }: PartTensors, joined: Tensors, items: readonly number[]): Tensors[] {
  let from = 0;
  return items.map((count) => {
    const until = from + count;
    const own = outputs.map((spec) => [spec.name, cut(required(joined, spec.name), from, until)]);
    from = until;
    return Object.fromEntries(own) as Tensors;
  });
}

function concatenate(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (!first) throw new GlimpseError('INTERNAL', { message: 'nothing to join' });
  const shape = [tensors.reduce((sum, tensor) => sum + (tensor.shape[0] ?? 0), 0), ...first.shape.slice(1)];
  const length = shape.reduce((product, size) => product * size, 1);
  const joined = empty(first, length, shape);
  let at = 0;
  for (const { data } of tensors) {
    (joined.data as { set(values: typeof data, offset: number): void }).set(data, at);
    at += data.length;
  }
  return joined;
}

function empty({ type }: Tensor, length: number, shape: readonly number[]): Tensor {
  if (type === 'float32') return { type, data: new Float32Array(length), shape };
  if (type === 'int64') return { type, data: new BigInt64Array(length), shape };
  if (type === 'int32') return { type, data: new Int32Array(length), shape };
  if (type === 'float16') return { type, data: new Float16Array(length), shape };
  return { type, data: new Uint8Array(length), shape };
}

/** Items `from` to `until` as a tensor of its own. */
function cut(tensor: Tensor, from: number, until: number): Tensor {
  const [all = 1, ...rest] = tensor.shape;
  const perItem = tensor.data.length / all;
  const data = tensor.data.slice(from * perItem, until * perItem);
  return { type: tensor.type, data, shape: [until - from, ...rest] } as Tensor;
}

function required(tensors: Tensors, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new GlimpseError('INTERNAL', { message: `no tensor ${name}` });
  return tensor;
}
