/**
 * A bounded queue of runs for the inference thread: first come first served, and runs that fit together are taken
 * together. Aborting a waiting run removes it.
 */
import { GlimpseError } from '../../../errors.ts';
import { canJoin, type PartTensors } from '../thread/batching.ts';
import type { Tensor, Tensors } from '../thread/tensor.ts';

/** Most runs that may wait. A slice needs one at a time, so more means that callers do not wait for answers. */
const QUEUE_MAX_RUNS = 64;
/** Most runs in one batch, whatever callers ask for: activations grow with it. */
const BATCH_MAX_RUNS = 16;

export interface RunResult {
  outputs: Tensors;
  /** Time inside the model, in ms, without queueing; of a batch, this run's share. */
  computeMs: number;
}

/** An output of a run that may not have ended yet. */
export interface OutputOf {
  of: PendingRun;
  output: string;
}

export type Feeds = Record<string, Tensor | OutputOf>;

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** The thread may get it, alone, before the current run has ended. */
  ahead?: boolean;
  /** The next run may use its outputs. */
  keeps?: boolean;
}

export interface PendingRun {
  part: string;
  feeds: Feeds;
  ahead: boolean;
  keeps: boolean;
  result: Promise<RunResult>;
  /** Set once it has ended. */
  outputs: Tensors | undefined;
  /** Threads that died while this was running. */
  deaths: number;
  /** Its caller no longer waits. */
  aborted: boolean;
  resolve(result: RunResult): void;
  reject(error: GlimpseError): void;
}

export class RunQueue {
  readonly #runs: PendingRun[] = [];
  readonly #onAborted: (run: PendingRun) => void;

  /** @param onAborted called for an aborted run that has already left the queue */
  constructor(onAborted: (run: PendingRun) => void = () => {}) {
    this.#onAborted = onAborted;
  }

  /** The run that has waited longest. */
  get first(): PendingRun | undefined {
    return this.#runs[0];
  }

  /** Its result rejects with ABORTED on abort, in the queue or after it, and with GENERATOR_DOWN if too many wait. */
  push(part: string, feeds: Feeds, { signal, ahead = false, keeps = false }: RunOptions = {}): PendingRun {
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
    const onAbort = (): void => {
      run.aborted = true;
      if (!this.remove(run)) this.#onAborted(run);
      reject(new GlimpseError('ABORTED'));
    };
    const result = promise.finally(() => signal?.removeEventListener('abort', onAbort));
    const state = { deaths: 0, aborted: false, outputs: undefined };
    const run: PendingRun = { part, feeds, ahead, keeps, result, ...state, resolve, reject };
    if (signal?.aborted === true) onAbort();
    else if (this.#runs.length >= QUEUE_MAX_RUNS) reject(fullError());
    else {
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#runs.push(run);
    }
    return run;
  }

  /** True if it was in the queue. */
  remove(run: PendingRun): boolean {
    const index = this.#runs.indexOf(run);
    if (index >= 0) this.#runs.splice(index, 1);
    return index >= 0;
  }

  /** The first run and those that can join it; empty if none waits. The runs they continue from have ended. */
  takeBatch(tensorsOf: (part: string) => PartTensors): (PendingRun & { feeds: Tensors })[] {
    const run = this.#runs.shift();
    if (run === undefined) return [];
    const first = Object.assign(run, { feeds: endedFeeds(run) });
    const tensors = tensorsOf(first.part);
    const joining = this.#runs
      .filter(isPlain)
      .filter(({ part, feeds }) => part === first.part && canJoin(tensors, first.feeds, feeds))
      .slice(0, BATCH_MAX_RUNS - 1);
    for (const joined of joining) this.remove(joined);
    return [first, ...joining];
  }

  /** Puts runs back before all others, except aborted ones. */
  putBack(runs: readonly PendingRun[]): void {
    this.#runs.unshift(...runs.filter(({ aborted }) => !aborted));
  }

  rejectAll(error: () => GlimpseError): void {
    for (const run of this.#runs.splice(0)) run.reject(error());
  }
}

const isPlain = (run: PendingRun): run is PendingRun & { feeds: Tensors } =>
  Object.values(run.feeds).every((feed) => !('of' in feed));

/** Feeds as tensors. Outputs of a failed run are missing, and the model reports that. */
function endedFeeds({ feeds }: PendingRun): Tensors {
  const ended = Object.entries(feeds).map(([name, feed]) => [
    name,
    'of' in feed ? feed.of.outputs?.[feed.output] : feed,
  ]);
  return Object.fromEntries(ended.filter(([, tensor]) => tensor !== undefined)) as Tensors;
}

const fullError = (): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', {
    message: 'Too many runs are waiting for the inference thread.',
    details: { maxRuns: QUEUE_MAX_RUNS },
  });
