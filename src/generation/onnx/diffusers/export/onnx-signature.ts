/**
 * Reads the inputs, outputs and weight files of an ONNX file without loading it. Field numbers are those of
 * onnx.proto3: ModelProto.graph 7; GraphProto.initializer 5, input 11, output 12; TensorProto.name 8, external_data 13;
 * ValueInfoProto.name 1, type 2.
 */
import { open } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { packError } from '../../pack/pack-error.ts';
import { ProtobufScan, type Span } from './protobuf-scan.ts';

/** TensorProto.DataType, as far as pipelines use it. */
const ELEMENT_TYPES = { 1: 'float32', 2: 'uint8', 6: 'int32', 7: 'int64', 10: 'float16' } as const;
export type ElementType = (typeof ELEMENT_TYPES)[keyof typeof ELEMENT_TYPES] | 'other';

export interface SignatureTensor {
  name: string;
  type: ElementType;
  /** A number is a fixed dimension, a string the name of a free one. */
  shape: (number | string)[];
}

export interface OnnxSignature {
  inputs: SignatureTensor[];
  outputs: SignatureTensor[];
  /** Files beside the model that hold weights, absolute. */
  externalFiles: string[];
  /** Size of the file and those beside it. */
  bytes: number;
}

/** @param part for the error @throws GlimpseError MODEL_INVALID if it cannot be read, or its weights are missing */
export async function readSignature(path: string, part: string): Promise<OnnxSignature> {
  const file = await open(path).catch((cause: unknown) => {
    throw packError(part, `a file ${basename(path)}`, codeOf(cause), cause);
  });
  try {
    const { size } = await file.stat();
    const found = await readModel(new ProtobufScan(file, size));
    if (found.inputs.length === 0 || found.outputs.length === 0)
      throw new RangeError('a graph without inputs or outputs');
    const externalFiles = [...found.locations].map((location) => insideOf(path, location, part));
    const sizes = await Promise.all(externalFiles.map((external) => sizeOf(external, part)));
    const { inputs, outputs } = found;
    return { inputs, outputs, externalFiles, bytes: sizes.reduce((sum, bytes) => sum + bytes, size) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw packError(part, `an ONNX model in ${basename(path)}`, error.message, error);
  } finally {
    await file.close();
  }
}

interface Found {
  inputs: SignatureTensor[];
  outputs: SignatureTensor[];
  /** As the file names them. */
  locations: Set<string>;
}

async function readModel(scan: ProtobufScan): Promise<Found> {
  const found: Found = { inputs: [], outputs: [], locations: new Set() };
  const weights = new Set<string>();
  for await (const { number, span: graph } of scan.fields(scan.whole)) {
    if (number !== 7) continue;
    for await (const { number: kind, span } of scan.fields(graph)) {
      if (kind === 5) weights.add(await readInitializer(scan, span, found.locations));
      if (kind === 11) found.inputs.push(await readTensor(scan, span));
      if (kind === 12) found.outputs.push(await readTensor(scan, span));
    }
  }
  // Old exporters list weights among the inputs.
  return { ...found, inputs: found.inputs.filter(({ name }) => !weights.has(name)) };
}

/** Returns its name; adds the file of external values to `locations`. */
async function readInitializer(scan: ProtobufScan, tensor: Span, locations: Set<string>): Promise<string> {
  let name = '';
  for await (const { number, span } of scan.fields(tensor)) {
    if (number === 8) name = await scan.text(span);
    if (number !== 13) continue;
    const [key, value] = await texts(scan, span);
    if (key === 'location' && value !== undefined) locations.add(value);
  }
  return name;
}

/** Fields 1 and 2 of a StringStringEntryProto. */
async function texts(scan: ProtobufScan, entry: Span): Promise<string[]> {
  const found: string[] = [];
  for await (const { number, span } of scan.fields(entry)) found[number - 1] = await scan.text(span);
  return found;
}

async function readTensor(scan: ProtobufScan, info: Span): Promise<SignatureTensor> {
  const tensor: SignatureTensor = { name: '', type: 'other', shape: [] };
  for await (const { number, span } of scan.fields(info)) {
    if (number === 1) tensor.name = await scan.text(span);
    // TypeProto: tensor_type 1.
    if (number === 2)
      for await (const type of scan.fields(span)) if (type.number === 1) await readType(scan, type.span, tensor);
  }
  return tensor;
}

/** TypeProto.Tensor: elem_type 1, shape 2 of dim 1 of (dim_value 1 or dim_param 2). */
async function readType(scan: ProtobufScan, type: Span, tensor: SignatureTensor): Promise<void> {
  for await (const { number, value, span } of scan.fields(type)) {
    if (number === 1) tensor.type = ELEMENT_TYPES[value as keyof typeof ELEMENT_TYPES] ?? 'other';
    if (number !== 2) continue;
    for await (const { span: dimension } of scan.fields(span)) {
      let size: number | string = `free${tensor.shape.length}`;
      for await (const part of scan.fields(dimension))
        size = part.number === 1 ? part.value : await scan.text(part.span);
      tensor.shape.push(size);
    }
  }
}

/** ONNX allows external data only beside the model. */
function insideOf(model: string, location: string, part: string): string {
  const folder = dirname(resolve(model));
  const path = resolve(folder, location);
  if (!path.startsWith(`${folder}/`)) throw packError(part, 'weights beside the model', location);
  return path;
}

async function sizeOf(path: string, part: string): Promise<number> {
  const file = await open(path).catch((cause: unknown) => {
    throw packError(
      part,
      `the file ${basename(path)}, which holds the weights of ${basename(dirname(path))}`,
      codeOf(cause),
      cause,
    );
  });
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? 'unreadable';
