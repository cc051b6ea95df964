/**
 * What the inference worker and its host say to each other. A worker is started with `WorkerSetup`, answers `ready` or
 * `failed` once, then answers every `run` with one `result` or `failed` of the same id, in order. Buffers are
 * transferred, never shared: onnxruntime refuses SharedArrayBuffer.
 */
import type { TensorSpec } from './model-pack.ts';
import type { Tensors } from './tensor.ts';

export interface WorkerSetup {
  parts: readonly {
    name: string;
    /** Absolute path of the ONNX file. */
    path: string;
    inputs: readonly TensorSpec[];
    outputs: readonly TensorSpec[];
  }[];
  /** Threads one operator may use. */
  threads: number;
}

export type ToWorker = { type: 'run'; id: number; part: string; feeds: Tensors } | { type: 'close' };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'result'; id: number; outputs: Tensors; computeMs: number }
  /** Without an id: the worker could not start, and ends. */
  | {
      type: 'failed';
      id?: number;
      code: 'MODEL_INVALID' | 'GENERATOR_DOWN';
      message: string;
      details: Record<string, unknown>;
    };
