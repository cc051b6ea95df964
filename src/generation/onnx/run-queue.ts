/**
 * Runs that wait for the inference thread: first come first served, those that fit together taken together, bounded.
 * A run that waits is taken out when it is aborted.
 */
import { GlimpseError } from '../../errors.ts';
import { canJoin, type PartTensors } from './batching.ts';
import type { Tensors } from './tensor.ts';

/** Runs that may wait. One slice needs one at a time, so more than this means that callers do not wait for answers. */
const QUEUE_MAX_RUNS = 64;
/** Runs in one run of the model, whatever callers ask for together: activations grow with it. */
const BATCH_MAX_RUNS = 16;

export interface RunResult {
  outputs: Tensors;
  /** Time inside the model, in ms, without queueing; of a batch, this run's share. */
  computeMs: number;
}

export interface PendingRun {
  part: string;
  feeds: Tensors;
  /** Threads that died while this was running. */
  deaths: number;
  /** Nobody waits for it any more. */
  aborted: boolean;
  resolve(result: RunResult): void;
  reject(error: GlimpseError): void;
}

export class RunQueue {
  readonly #runs: PendingRun[] = [];

  /** Rejects with ABORTED at once; also where the run is no longer here. @throws GlimpseError ABORTED, GENERATOR_DOWN */
  push(part: string, feeds: Tensors, signal: AbortSignal | undefined): Promise<RunResult> {
    if (signal?.aborted === true) return Promise.reject(new GlimpseError('ABORTED'));
    if (this.#runs.length >= QUEUE_MAX_RUNS) return Promise.reject(fullError());
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
    const run: PendingRun = { part, feeds, deaths: 0, aborted: false, resolve, reject };
    const onAbort = (): void => {
      run.aborted = true;
      const index = this.#runs.indexOf(run);
      if (index >= 0) this.#runs.splice(index, 1);
      reject(new GlimpseError('ABORTED'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#runs.push(run);
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** The first and those that can be one run with it; empty when none waits. */
  takeBatch(tensorsOf: (part: string) => PartTensors): PendingRun[] {
    const first = this.#runs.shift();
    if (first === undefined) return [];
    const tensors = tensorsOf(first.part);
    const joining = this.#runs
      .filter(({ part, feeds }) => part === first.part && canJoin(tensors, first.feeds, feeds))
      .slice(0, BATCH_MAX_RUNS - 1);
    for (const run of joining) this.#runs.splice(this.#runs.indexOf(run), 1);
    return [first, ...joining];
  }

  /** Puts runs back before all others, except those that nobody waits for. */
  putBack(runs: readonly PendingRun[]): void {
    this.#runs.unshift(...runs.filter(({ aborted }) => !aborted));
  }

  rejectAll(error: () => GlimpseError): void {
    for (const run of this.#runs.splice(0)) run.reject(error());
  }
}

const fullError = (): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', {
    message: 'Too many runs are waiting for the inference thread.',
    details: { maxRuns: QUEUE_MAX_RUNS },
  });
