/** Tensors as the service and its inference process exchange them: flat typed arrays with a shape. */
export interface TensorData {
  float32: Float32Array<ArrayBuffer>;
  int64: BigInt64Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  float16: Float16Array<ArrayBuffer>;
}

/** A dimension that may be anything: onnxruntime may know it where the file leaves it open. */
export const ANY = '?';

/** What a part takes or gives. A number is a fixed dimension, a string the name of a free one. */
export interface TensorShape {
  name: string;
  type: keyof TensorData;
  shape: readonly (number | string)[];
}

/** The shape's product is the data's length. */
export type Tensor = {
  [Type in keyof TensorData]: { type: Type; data: TensorData[Type]; shape: readonly number[] };
}[keyof TensorData];

/** Tensors by name. */
export type Tensors = Record<string, Tensor>;

/** A float32 tensor of `values`, which are copied only if they are shared or no typed array. */
export const float32 = (values: Float32Array | readonly number[], ...shape: number[]): Tensor => ({
  type: 'float32',
  data: isOrdinary(values) ? values : new Float32Array(values),
  shape,
});

const isOrdinary = (values: Float32Array | readonly number[]): values is Float32Array<ArrayBuffer> =>
  values instanceof Float32Array && values.buffer instanceof ArrayBuffer;

export const int64 = (values: BigInt64Array | readonly bigint[], ...shape: number[]): Tensor => ({
  type: 'int64',
  data: BigInt64Array.from(values),
  shape,
});

/** Pictures of one size side by side: uint8 [pictures, bytes], a copy. */
export function pictures(datas: readonly Uint8Array[]): Tensor {
  const bytes = datas[0]?.length ?? 0;
  const data = new Uint8Array(datas.length * bytes);
  for (const [index, picture] of datas.entries()) data.set(picture, index * bytes);
  return { type: 'uint8', data, shape: [datas.length, bytes] };
}
