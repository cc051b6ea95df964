/**
 * Writes ONNX files without a framework: the protobuf wire format (varints and length-delimited fields) and the dozen
 * fields of onnx.proto that a small graph needs. Field numbers are those of onnx.proto3, IR version 8.
 */

const IR_VERSION = 8;
const OPSET = 16;
const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_GRAPH = 5;
const DATA_EXTERNAL = 1;

export type ElementType = keyof typeof ELEMENT;

/** An input or output of the graph. A number is a fixed dimension, a string the name of a free one. */
export interface GraphTensor {
  name: string;
  type: ElementType;
  shape: (number | string)[];
}

export interface GraphConstant {
  name: string;
  data: Float32Array | Float16Array | BigInt64Array;
  shape: readonly number[];
  /** Values are in another file beside the model, from this byte on. */
  external?: { location: string; offset: number };
}

export interface GraphNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** Whole numbers and bodies of loops: all that the operators used here have. */
  attributes?: Readonly<Record<string, number | Graph>>;
}

export interface Graph {
  name: string;
  inputs: readonly GraphTensor[];
  outputs: readonly GraphTensor[];
  constants: readonly GraphConstant[];
  /** In an order in which each node's inputs are there. */
  nodes: readonly GraphNode[];
}

/** The bytes of an `.onnx` file. */
export function onnxFile(graph: Graph): Uint8Array {
  return message([
    integer(1, IR_VERSION),
    text(2, 'glimpse'),
    bytes(7, graphProto(graph)),
    bytes(8, message([integer(2, OPSET)])),
  ]);
}

const graphProto = ({ name, nodes, constants, inputs, outputs }: Graph): Uint8Array =>
  message([
    ...nodes.map((node) => bytes(1, nodeProto(node))),
    text(2, name),
    ...constants.map((constant) => bytes(5, tensorProto(constant))),
    ...inputs.map((input) => bytes(11, valueInfo(input))),
    ...outputs.map((output) => bytes(12, valueInfo(output))),
  ]);

const nodeProto = ({ op, inputs, outputs, attributes = {} }: GraphNode): Uint8Array =>
  message([
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attributeProto(name, value))),
  ]);

const attributeProto = (name: string, value: number | Graph): Uint8Array =>
  typeof value === 'number'
    ? message([text(1, name), integer(3, value), integer(20, ATTRIBUTE_INT)])
    : message([text(1, name), bytes(6, graphProto(value)), integer(20, ATTRIBUTE_GRAPH)]);

const tensorProto = ({ name, data, shape, external }: GraphConstant): Uint8Array =>
  message([
    ...shape.map((size) => integer(1, size)),
    integer(2, elementOf(data)),
    text(8, name),
    ...(external
      ? [
          ...Object.entries({ ...external, length: data.byteLength }).map(([key, value]) =>
            bytes(13, message([text(1, key), text(2, String(value))])),
          ),
          integer(14, DATA_EXTERNAL),
        ]
      : [bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]),
  ]);

function elementOf(data: GraphConstant['data']): number {
  if (data instanceof Float32Array) return ELEMENT.float32;
  return data instanceof Float16Array ? ELEMENT.float16 : ELEMENT.int64;
}

function valueInfo({ name, type, shape }: GraphTensor): Uint8Array {
  const dimensions = shape.map((size) =>
    bytes(1, message([typeof size === 'string' ? text(2, size) : integer(1, size)])),
  );
  const tensor = message([integer(1, ELEMENT[type]), bytes(2, message(dimensions))]);
  return message([text(1, name), bytes(2, message([bytes(1, tensor)]))]);
}

const utf8 = new TextEncoder();
const text = (field: number, value: string): Uint8Array => bytes(field, utf8.encode(value));

/** A length-delimited field. */
const bytes = (field: number, value: Uint8Array): Uint8Array =>
  message([varint((field << 3) | 2), varint(value.length), value]);

/** A whole number; negative ones are two's complement in 64 bits. */
const integer = (field: number, value: number): Uint8Array =>
  message([varint(field << 3), varint(BigInt.asUintN(64, BigInt(value)))]);

function varint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}

function message(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
