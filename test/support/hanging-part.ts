/** A fake part of a model that computes for ever, inside the native library, when it is told to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxFile, type Graph } from '../../scripts/toy-pack/onnx-file.ts';
import type { WorkerPart } from '../../src/generation/onnx/process/worker-protocol.ts';
import { float32, int64, type Tensors } from '../../src/generation/onnx/process/tensor.ts';

const BODY: Graph = {
  name: 'body',
  inputs: [
    { name: 'turn', type: 'int64', shape: [] },
    { name: 'goesOn', type: 'bool', shape: [] },
    { name: 'before', type: 'float32', shape: [1] },
  ],
  outputs: [
    { name: 'stillGoesOn', type: 'bool', shape: [] },
    { name: 'after', type: 'float32', shape: [1] },
  ],
  constants: [],
  nodes: [
    { op: 'Identity', inputs: ['goesOn'], outputs: ['stillGoesOn'] },
    { op: 'Add', inputs: ['before', 'before'], outputs: ['after'] },
  ],
};

const GRAPH: Graph = {
  name: 'hanging',
  inputs: [
    { name: 'turns', type: 'int64', shape: [1] },
    { name: 'value', type: 'float32', shape: [1] },
  ],
  outputs: [{ name: 'result', type: 'float32', shape: [1] }],
  constants: [],
  nodes: [{ op: 'Loop', inputs: ['turns', '', 'value'], outputs: ['result'], attributes: { body: BODY } }],
};

/** Writes the part into `folder`. */
export function hangingPart(folder: string): WorkerPart {
  const path = join(folder, 'hanging.onnx');
  writeFileSync(path, onnxFile(GRAPH));
  return {
    name: 'hanging',
    path,
    inputs: [
      { name: 'turns', type: 'int64', shape: [1] },
      { name: 'value', type: 'float32', shape: [1] },
    ],
    outputs: [{ name: 'result', type: 'float32', shape: [1] }],
  };
}

const feeds = (turns: bigint): Tensors => ({ turns: int64([turns], 1), value: float32([1], 1) });
export const ENDS = feeds(3n);
/** Nine quintillion turns. */
export const HANGS = feeds(2n ** 63n - 1n);
