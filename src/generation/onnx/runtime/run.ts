/** Runs of a part, as data. */
import type { Tensor, Tensors } from '../process/tensor.ts';

/** An output of a run that may not have ended yet. */
export interface OutputOf {
  of: Run;
  output: string;
}

export type Feeds = Readonly<Record<string, Tensor | OutputOf>>;

/** The feeds are copied to the process, so they must not change before the run has ended. */
export interface Run {
  part: string;
  feeds: Feeds;
  /** Later runs may use its outputs. */
  keeps?: boolean;
  /** Aborting rejects with ABORTED at once; the process finishes a run that has started, and its result is dropped. */
  signal?: AbortSignal | undefined;
  /** Set by the runtime once it has ended, if it keeps them. */
  outputs?: Tensors;
}

export interface RunResult {
  outputs: Tensors;
  /** Time inside the model, in ms, without queueing; of a batch, this run's share. */
  computeMs: number;
}

/** Runs that were begun as one batch. */
export interface BegunBatch {
  /** In the order of the runs. */
  results: readonly Promise<RunResult>[];
  /** True if none of them had started: then they never do, and their results reject with ABORTED. */
  withdraw(): Promise<boolean>;
}
