/**
 * Describes a pipeline's parts to the inference process, and converts numbers to the types that a part takes: exports
 * use float32 or float16, and ids and timesteps of 32 or 64 bits. Pure.
 */
import { packError } from '../../pack/pack-error.ts';
import { ANY, type Tensor, type TensorShape } from '../../process/tensor.ts';
import type { WorkerPart } from '../../process/worker-protocol.ts';
import type { DiffusersModel, DiffusersPart } from './layout.ts';
import type { SignatureTensor } from './onnx-signature.ts';

/** Node 22 has no 16-bit floats. */
const HAS_FLOAT16 = 'Float16Array' in globalThis;

/** Parts in the order in which a slice needs them. */
export const workerPartsOf = ({ textEncoder, denoiser, decoder }: DiffusersModel): WorkerPart[] =>
  [textEncoder, denoiser, decoder].map(workerPart);

/** Names the batch axis `b`, so that runs of several viewers, and of both sides of guidance, become one. */
function workerPart({ folder, path, signature }: DiffusersPart): WorkerPart {
  const batch = signature.inputs.find(({ shape }) => shape.length > 1)?.shape[0];
  const named = (tensor: SignatureTensor): TensorShape => {
    if (tensor.type === 'other') throw packError(folder, `${tensor.name} of a type that is fed`, 'another');
    if (tensor.type === 'float16' && !HAS_FLOAT16)
      throw packError(folder, `Node 24 for ${tensor.name} in float16, or a float32 export`, 'an older Node');
    const isBatch = (size: number | string, axis: number): boolean =>
      axis === 0 && typeof size === 'string' && (tensor.shape.length > 1 || size === batch);
    const shape = tensor.shape.map((size, axis) => {
      if (isBatch(size, axis)) return 'b';
      return typeof size === 'string' ? ANY : size;
    });
    return { name: tensor.name, type: tensor.type, shape };
  };
  const { inputs, outputs, bytes } = signature;
  return {
    name: folder,
    path,
    residentBytes: bytes,
    inputs: inputs.map(named),
    outputs: outputs.map(named),
    restsOnDisk: true,
  };
}

/** `values` in the type of the input `to`. */
export function tensorFor(to: SignatureTensor, values: ArrayLike<number>, shape: readonly number[]): Tensor {
  switch (to.type) {
    case 'float16':
      return { type: 'float16', data: new Float16Array(values), shape };
    case 'int32':
      return { type: 'int32', data: Int32Array.from(values), shape };
    case 'int64':
      return {
        type: 'int64',
        data: BigInt64Array.from(Array.from(values, (value) => BigInt(Math.round(value)))),
        shape,
      };
    default:
      return { type: 'float32', data: new Float32Array(values), shape };
  }
}

/** An output as float32. Uses constructors, because `from` takes 40 times as long for 16-bit floats. */
export function floatsOf(tensor: Tensor | undefined): Float32Array {
  if (tensor?.type === 'float32') return tensor.data;
  return tensor?.type === 'float16' ? new Float32Array(tensor.data) : new Float32Array(0);
}
