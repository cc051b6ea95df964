/** Weights of an ONNX file by name: `ModelProto.graph.initializer`, float32 or float16 as raw data. Pure. */
const GRAPH = 7;
const INITIALIZER = 5;
const TENSOR = { type: 2, name: 8, rawData: 9 } as const;
const FLOAT = 1;
const FLOAT16 = 10;

/** @returns those whose names match; empty when the bytes are no such file */
export function readInitializers(bytes: Uint8Array, names: RegExp): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const graph of fieldsOf(bytes)) {
    if (graph.number !== GRAPH) continue;
    for (const { number, data } of fieldsOf(graph.data)) {
      const tensor = number === INITIALIZER ? tensorOf(data) : undefined;
      if (tensor && names.test(tensor.name)) found.set(tensor.name, tensor.values);
    }
  }
  return found;
}

function tensorOf(bytes: Uint8Array): { name: string; values: Float32Array } | undefined {
  let [type, name, raw] = [0, '', new Uint8Array(0)];
  for (const { number, value, data } of fieldsOf(bytes)) {
    if (number === TENSOR.type) type = value;
    else if (number === TENSOR.name) name = new TextDecoder().decode(data);
    // A copy, aligned: `data` is a view somewhere in the file.
    else if (number === TENSOR.rawData) raw = new Uint8Array(data);
  }
  if (type === FLOAT) return { name, values: new Float32Array(raw.buffer, 0, raw.length >> 2) };
  if (type === FLOAT16)
    return { name, values: Float32Array.from(new Uint16Array(raw.buffer, 0, raw.length >> 1), half) };
  return undefined;
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return exponent === 31 ? sign * Infinity : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The fields of a protobuf message, up to the first that is malformed. */
function* fieldsOf(bytes: Uint8Array): Generator<{ number: number; value: number; data: Uint8Array }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let place = 0; place < 10 && at < bytes.length; place++) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** (7 * place);
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const value = wire === 0 ? varint() : 0;
    const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : 0;
    if (at + length > bytes.length || (wire !== 0 && length === 0 && wire !== 2)) return;
    yield { number, value, data: bytes.subarray(at, at + length) };
    at += length;
  }
}
