/**
 * Messages between the inference worker and its host. A worker starts with `WorkerSetup` and answers `ready` or
 * `failed` once. Then it answers every request, in order, with one `result`, `moved` or `failed` of the same id; it
 * skips runs that were taken back. Feeds are copied and outputs transferred, never shared: onnxruntime refuses
 * SharedArrayBuffer.
 */
import type { Provider } from '../../../provider.ts';
import type { PartState } from '../runtime/part-memory.ts';
import type { ClaimSlot } from './run-claims.ts';
import type { Tensor, Tensors, TensorShape } from './tensor.ts';

export interface WorkerSetup {
  parts: readonly WorkerPart[];
  /** Threads one operator may use. */
  threads: number;
  /** Execution provider; default: the CPU. */
  provider?: Provider;
  /** Names of the parts to load before `ready`; all when left out. The others are loaded by `move`. */
  load?: readonly string[];
  /** Words of `RunClaims`, for the runs that wait in the thread. */
  claims?: Int32Array<SharedArrayBuffer>;
}

/** An output that the run before this one left in the thread. */
export interface KeptOutput {
  ofRun: number;
  output: string;
}

/** Inputs of a run; some may be in the thread already. */
export type PostedFeeds = Record<string, Tensor | KeptOutput>;

export interface WorkerPart {
  name: string;
  /** Absolute path of the ONNX file. */
  path: string;
  /** Memory it is expected to take when loaded, until that is measured. */
  residentBytes?: number;
  inputs: readonly TensorShape[];
  outputs: readonly TensorShape[];
  /** Weights too large to keep beside a session, or in a file of their own: half-loaded means cold. */
  restsOnDisk?: boolean;
}

export type ToWorker =
  | {
      type: 'run';
      id: number;
      part: string;
      /** Of runs that may be joined, as one run of the model. */
      feeds: readonly PostedFeeds[];
      /** The next run may use its outputs: they are copied to the host, and kept until another run's are. */
      keeps: boolean;
      /** It waits behind another run, and may be taken back until the thread claims it. */
      claim?: ClaimSlot;
    }
  /** Loads or releases a part. */
  | { type: 'move'; id: number; part: string; to: PartState }
  | { type: 'close' };

export type FromWorker =
  | { type: 'ready'; moved: readonly MovedPart[] }
  /** The outputs of each run, in the order of the feeds. */
  | { type: 'result'; id: number; outputs: readonly Tensors[]; computeMs: number }
  | ({ type: 'moved'; id: number } & MovedPart)
  /** Without an id: the worker could not start, and ends. */
  | {
      type: 'failed';
      id?: number;
      code: 'MODEL_INVALID' | 'GENERATOR_DOWN' | 'PROVIDER_MISSING';
      message: string;
      details: Record<string, unknown>;
    };

export interface MovedPart {
  part: string;
  state: PartState;
  /** Memory it takes in that state: measured for a loaded part, exact for weights. */
  bytes: number;
  /** How long the change took. */
  ms: number;
}
