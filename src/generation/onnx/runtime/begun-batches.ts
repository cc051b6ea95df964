/**
 * The batches that the inference process has, or is to get, in order. The first one runs. A process that dies loses
 * them all: the next one repeats them, except a batch that was running when two processes died. No I/O here.
 */
import { GlimpseError } from '../../../errors.ts';
import type { PostedFeeds } from '../process/worker-protocol.ts';
import type { Run, RunResult } from './run.ts';

/** The scheduler has two batches here at most; the rest is for runs outside of it, such as reading prompts. */
export const BATCHES_MAX = 64;
/** Processes that one batch may kill. */
const DEATHS_MAX = 2;

export interface PendingRun {
  run: Run;
  result: Promise<RunResult>;
  resolve(result: RunResult): void;
  reject(error: GlimpseError): void;
  /** Its caller no longer waits. */
  aborted: boolean;
}

export interface Batch {
  runs: PendingRun[];
  /** Given when it is posted; undefined while the process does not have it. */
  id: number | undefined;
  /** Loads that it still waits for. */
  movesLeft: number;
  /** A load that it needed has failed. */
  error: GlimpseError | undefined;
  /** Processes that died while it was running. */
  deaths: number;
  /** Set once it is to be withdrawn: whether it was. */
  withdrawn: PromiseWithResolvers<boolean> | undefined;
}

export class BegunBatches {
  #batches: Batch[] = [];
  /** The newest batch that has ended. */
  settledId = -1;

  /** The one that runs. */
  get first(): Batch | undefined {
    return this.#batches[0];
  }

  get size(): number {
    return this.#batches.length;
  }

  /** What the process does not have yet. */
  get unposted(): readonly Batch[] {
    return this.#batches.filter(({ id }) => id === undefined);
  }

  add(runs: PendingRun[]): Batch {
    const batch: Batch = { runs, id: undefined, movesLeft: 0, error: undefined, deaths: 0, withdrawn: undefined };
    this.#batches.push(batch);
    return batch;
  }

  has(batch: Batch): boolean {
    return this.#batches.includes(batch);
  }

  find(id: number): Batch | undefined {
    return this.#batches.find((batch) => batch.id === id);
  }

  /** It has ended, or never will: the caller that wanted to withdraw it learns which. */
  remove(batch: Batch, withdrawn = false): void {
    this.#batches = this.#batches.filter((other) => other !== batch);
    if (!withdrawn) this.settledId = Math.max(this.settledId, batch.id ?? -1);
    batch.withdrawn?.resolve(withdrawn);
  }

  /** Feeds to post. Rejects the runs that are not needed any more, or whose predecessor has failed: they leave the batch. */
  takeFeeds(batch: Batch): PostedFeeds[] {
    const fed = batch.runs.map((pending) => ({
      pending,
      feeds: pending.aborted ? undefined : this.#feedsOf(pending.run),
    }));
    for (const { pending, feeds } of fed) if (feeds === undefined) pending.reject(new GlimpseError('ABORTED'));
    batch.runs = fed.flatMap(({ pending, feeds }) => (feeds ? [pending] : []));
    return fed.flatMap(({ feeds }) => (feeds ? [feeds] : []));
  }

  /** Outputs that are still in the process are named. Undefined if they never will be there. */
  #feedsOf({ feeds }: Run): PostedFeeds | undefined {
    const posted: PostedFeeds = {};
    for (const [name, feed] of Object.entries(feeds)) {
      const found = 'of' in feed ? (feed.of.outputs?.[feed.output] ?? this.#kept(feed.of, feed.output)) : feed;
      if (found === undefined) return undefined;
      posted[name] = found;
    }
    return posted;
  }

  /** The process has died: what remains is to be posted again. @returns the batches that are not, and why */
  onDeath(): { lost: readonly Batch[]; withdrawn: readonly Batch[] } {
    const { first } = this;
    if (first) first.deaths += 1;
    const lost = this.#batches.filter((batch) => batch.deaths >= DEATHS_MAX || isForgotten(batch));
    const withdrawn = this.#batches.filter((batch) => batch.withdrawn !== undefined && batch !== first);
    for (const batch of lost) this.remove(batch);
    for (const batch of withdrawn) this.remove(batch, true);
    for (const batch of this.#batches) Object.assign(batch, { id: undefined, movesLeft: 0, error: undefined });
    this.settledId = -1;
    return { lost, withdrawn };
  }

  /** Removes all of them, or all but the first. */
  removeAll({ except = 0 } = {}): Batch[] {
    const removed = this.#batches.slice(except);
    for (const batch of removed) this.remove(batch, batch.withdrawn !== undefined);
    return removed;
  }

  #kept(of: Run, output: string): PostedFeeds[string] | undefined {
    const batch = this.#batches.find(({ id, runs }) => id !== undefined && runs.some(({ run }) => run === of));
    if (batch?.id === undefined || of.keeps !== true) return undefined;
    return { ofBatch: batch.id, index: batch.runs.findIndex(({ run }) => run === of), output };
  }
}

/** No caller waits for it any more. */
export const isForgotten = ({ runs }: Batch): boolean => runs.every(({ aborted }) => aborted);

/** @param onAbort called when its signal fires */
export function pendingRun(run: Run, onAbort: () => void): PendingRun {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const abort = (): void => {
    pending.aborted = true;
    reject(new GlimpseError('ABORTED'));
    onAbort();
  };
  const result = promise.finally(() => run.signal?.removeEventListener('abort', abort));
  const pending: PendingRun = { run, result, resolve, reject, aborted: run.signal?.aborted === true };
  if (pending.aborted) reject(new GlimpseError('ABORTED'));
  // A caller may look at one result of a batch before the others.
  result.catch(() => {});
  run.signal?.addEventListener('abort', abort, { once: true });
  return pending;
}
