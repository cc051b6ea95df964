/**
 * Decides who computes next, one unit of work at a time: a denoise step or a decode. Jobs of all sessions ask for a turn
 * before each unit, so a job is preempted between steps simply by not getting the next turn; what it has is kept. The
 * order is turn-order.ts; here is only the queue, the clock and the running. Units of one kind run together, up to the
 * batch size measured for it: the runtime makes one run of them.
 */
import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { GlimpseError } from '../errors.ts';
import { FairShare } from './fair-share.ts';
import type { UnitOfWork } from './generator.ts';
import { nextBatch, type Rank, type WaitingTurn } from './turn-order.ts';
import { WorkCosts } from './work-costs.ts';

/** On whose behalf a turn is asked for. Read at every decision, so its owner may change it while turns wait. */
export interface Claim {
  rank: Rank;
  /** When the result is wanted, on the service's clock. */
  deadlineUs: number;
  /** Expected compute time of the tier the turn belongs to, in ms; 0 when unknown. */
  costMs: number;
  /** Turns of one user share what they get. */
  user: string;
  /** Share compared with other users'; 1 is usual. */
  weight: number;
}

export interface TurnTaken {
  rank: Rank;
  kind: string;
  /** From asking to beginning, in ms. */
  waitedMs: number;
  /** Units that ran as one. */
  batchSize: number;
}

export interface SchedulerOptions {
  clock: Clock;
  costs?: WorkCosts;
  /** Most units of a kind to run as one; 1 until measured (calibration.ts). */
  batchSize?: (kind: string) => number;
  /** A turn was given, for the metrics. */
  onTurn?: (turn: TurnTaken) => void;
}

interface Waiting extends WaitingTurn {
  claim: Claim;
  run: () => Promise<void>;
  leave: () => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** A job asks for one turn at a time and a session has at most three jobs open, so this bounds sessions, not work. */
const QUEUE_CAPACITY = 512;

export class Scheduler {
  readonly costs: WorkCosts;
  readonly #options: SchedulerOptions;
  readonly #queue: Waiting[] = [];
  readonly #share = new FairShare();
  #running = false;
  #order = 0;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.costs = options.costs ?? new WorkCosts();
  }

  /** Turns waiting, not counting those that run. */
  get length(): number {
    return this.#queue.length;
  }

  /**
   * Runs the unit when its turn comes. A unit must not ask for another turn while it runs.
   * @throws GlimpseError ABORTED when `signal` fires while it waits, RATE_LIMITED when the queue is full; else what the
   *   unit throws.
   */
  turn(unit: UnitOfWork, claim: Claim, signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted) return Promise.reject(new GlimpseError('ABORTED'));
    if (this.#queue.length >= QUEUE_CAPACITY)
      return Promise.reject(new GlimpseError('RATE_LIMITED', { retryAfterMs: 1000 }));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      reject(new GlimpseError('ABORTED'));
    };
    const waiting: Waiting = {
      ...claim,
      claim,
      kind: unit.kind,
      servedMs: 0,
      waitingSinceUs: this.#options.clock.nowUs(),
      order: this.#order++,
      run: () => unit.run(),
      leave: () => signal.removeEventListener('abort', onAbort),
      resolve,
      reject,
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(waiting);
    void this.#drain();
    return promise;
  }

  /** Turns that wait are dropped; units that run end by their own signals. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) {
      waiting.leave();
      waiting.reject(new GlimpseError('ABORTED'));
    }
  }

  async #drain(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
        await this.#run(batch);
        // Lets the jobs that have just been served ask for their next step, or a draft's decode would miss its turn.
        await nextTurnOfLoop();
      }
    } finally {
      this.#running = false;
    }
  }

  #take(): Waiting[] {
    const { clock, batchSize = () => 1 } = this.#options;
    for (const waiting of this.#queue) {
      const { rank, deadlineUs, costMs, user } = waiting.claim;
      Object.assign(waiting, { rank, deadlineUs, costMs, servedMs: this.#share.servedMs(user) });
    }
    this.#share.advance(Math.min(...this.#queue.map(({ servedMs }) => servedMs)));
    const batch = nextBatch(this.#queue, clock.nowUs(), batchSize);
    for (const waiting of batch) {
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      waiting.leave();
    }
    return batch;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const { clock, onTurn } = this.#options;
    const startedUs = clock.nowUs();
    for (const { rank, kind, waitingSinceUs } of batch)
      onTurn?.({ rank, kind, waitedMs: (startedUs - waitingSinceUs) / 1000, batchSize: batch.length });
    // Begun in one go, so that the runtime finds them all and makes one run of them.
    const results = await Promise.allSettled(batch.map(async ({ run }) => run()));
    const shareMs = (clock.nowUs() - startedUs) / 1000 / batch.length;
    for (const [index, { claim, kind, resolve, reject }] of batch.entries()) {
      const result = results[index];
      this.#share.charge(claim.user, shareMs, claim.weight);
      if (result?.status === 'rejected') {
        reject(result.reason);
        continue;
      }
      this.costs.observeUnit(kind, shareMs);
      resolve();
    }
  }
}
