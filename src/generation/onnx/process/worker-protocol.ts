/**
 * Messages between the service and the inference process. The process starts with `WorkerSetup` and answers `ready` or
 * `failed` once. Then it answers every request, in order, with one `result`, `moved`, `withdrawn` or `failed` of the
 * same id. Tensors are in two files that both have open (shared-tensors.ts): feeds in one, outputs in the other.
 */
import type { Provider } from '../../../provider.ts';
import type { PartState } from '../runtime/part-memory.ts';
import type { StoredTensor, StoredTensors } from './shared-tensors.ts';
import type { Tensor, Tensors, TensorShape } from './tensor.ts';

export interface WorkerSetup {
  parts: readonly WorkerPart[];
  /** Threads one operator may use. */
  threads: number;
  /** Execution provider; default: the CPU. */
  provider?: Provider;
  /** Names of the parts to load before `ready`; all when left out. The others are loaded by `move`. */
  load?: readonly string[];
}

/** An output of a run that the process has and the service does not have yet. */
export interface KeptOutput {
  ofBatch: number;
  /** Of the run within its batch. */
  index: number;
  output: string;
}

/** Inputs of a run; some may be in the process already. */
export type PostedFeeds = Record<string, Tensor | KeptOutput>;
export type StoredFeeds = Record<string, StoredTensor | KeptOutput>;

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

export type ToWorker<Feeds = StoredFeeds> =
  | {
      type: 'run';
      id: number;
      part: string;
      /** One for each run of the batch: one run of the model if they can be joined. */
      feeds: readonly Feeds[];
      /** Batches posted before its result is known may use its outputs. */
      keeps: boolean;
      /** The newest batch whose result the service has: outputs up to this one need not be kept. */
      settledId: number;
    }
  /** Answered by `withdrawn` if that batch has not started, else not at all. */
  | { type: 'withdraw'; id: number }
  /** Loads or releases a part. */
  | { type: 'move'; id: number; part: string; to: PartState }
  | { type: 'close' };

export type FromWorker<Outputs = StoredTensors> =
  | { type: 'ready'; moved: readonly MovedPart[] }
  /** The outputs of each run, in the order of the feeds. */
  | { type: 'result'; id: number; outputs: readonly Outputs[]; computeMs: number }
  | ({ type: 'moved'; id: number } & MovedPart)
  | { type: 'withdrawn'; id: number }
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

export type ToProcess = ToWorker | { type: 'start'; setup: WorkerSetup } | { type: 'memory' };
export type FromProcess =
  | FromWorker
  | { type: 'memory'; residentBytes: number }
  /** The process ends. */
  | { type: 'died'; code: string | undefined; message: string };

/** File descriptors in the process: the shared files, and a pipe that ends with the service. */
export const FEEDS_FD = 4;
export const OUTPUTS_FD = 5;
export const LIFELINE_FD = 6;

/** The same with the tensors themselves, as the service sees them. */
export type Request = ToWorker<PostedFeeds>;
export type Answer = FromWorker<Tensors>;
