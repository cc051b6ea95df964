/**
 * What the inference thread has: the batch it runs, and one run that waits behind it, so that it is not idle while its
 * host handles a result. Outputs that the waiting run uses stay in the thread. No I/O here.
 */
import type { PendingRun } from '../runtime/run-queue.ts';
import { otherSlot, RunClaims, type ClaimSlot } from './run-claims.ts';
import type { PostedFeeds } from './worker-protocol.ts';

/** Threads that one run may kill. */
const DEATHS_MAX = 2;

export interface Batch {
  id: number;
  runs: readonly PendingRun[];
  /** Slot of its claim if it waits in the thread; the batch behind it has the other. */
  slot: ClaimSlot;
  /** The thread has received it. */
  posted: boolean;
}

export class ThreadRuns {
  readonly #claims = new RunClaims();
  #running: Batch | undefined;
  #ahead: Batch | undefined;

  get running(): Batch | undefined {
    return this.#running;
  }

  /** Shared with the thread. */
  get claims(): Int32Array<SharedArrayBuffer> {
    return this.#claims.words;
  }

  begin(id: number, runs: readonly PendingRun[]): Batch {
    this.#running = { id, runs, slot: 0, posted: false };
    return this.#running;
  }

  /** Feeds to post `run` behind the current batch; undefined if it cannot be. */
  feedsAhead({ ahead, feeds }: PendingRun): PostedFeeds | undefined {
    const running = this.#running;
    if (!ahead || running?.posted !== true || this.#ahead !== undefined) return undefined;
    return keptFeeds(feeds, running);
  }

  /** `run` waits in the thread from now on. */
  waitBehind({ slot }: Batch, id: number, run: PendingRun): Batch {
    this.#ahead = { id, runs: [run], slot: otherSlot(slot), posted: false };
    this.#claims.offer(this.#ahead.slot, id);
    return this.#ahead;
  }

  /** True if it waits in the thread and has not started; then it never does. */
  takeBack(run: PendingRun): boolean {
    const ahead = this.#ahead;
    if (ahead?.runs[0] !== run || !this.#claims.take(ahead.slot, ahead.id)) return false;
    this.#ahead = undefined;
    return true;
  }

  /** Removes batch `id`; the one behind it becomes current. Undefined if the batch is no longer there. */
  settle(id: number): Batch | undefined {
    const settled = this.#running;
    if (settled?.id !== id) return undefined;
    this.#running = this.#ahead;
    this.#ahead = undefined;
    return settled;
  }

  /** The thread has ended: returns runs to repeat, and runs that have killed too many threads. */
  lose(): { again: PendingRun[]; lost: PendingRun[] } {
    const runs = [...(this.#running?.runs ?? [])];
    for (const run of runs) run.deaths += 1;
    if (this.#ahead) {
      // An abandoned thread that goes on after all must not start it.
      this.#claims.take(this.#ahead.slot, this.#ahead.id);
      runs.push(...this.#ahead.runs);
    }
    this.#running = undefined;
    this.#ahead = undefined;
    return {
      again: runs.filter(({ deaths }) => deaths < DEATHS_MAX),
      lost: runs.filter(({ deaths }) => deaths >= DEATHS_MAX),
    };
  }
}

/** Feeds with references to outputs that stay in the thread; undefined if an output is neither here nor there. */
function keptFeeds(feeds: PendingRun['feeds'], { id, runs }: Batch): PostedFeeds | undefined {
  const kept: PostedFeeds = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const tensor = 'of' in feed ? feed.of.outputs?.[feed.output] : feed;
    if (tensor) kept[name] = tensor;
    else if ('of' in feed && runs.length === 1 && runs[0] === feed.of && feed.of.keeps)
      kept[name] = { ofRun: id, output: feed.output };
    else return undefined;
  }
  return kept;
}
