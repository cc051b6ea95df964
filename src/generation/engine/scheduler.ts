/**
 * Decides which job computes next, one unit of work at a time: a denoise step or a decode. Jobs of all sessions ask for
 * a turn before each unit. A job without the next turn is preempted between steps and keeps its results. The order is
 * in turn-order.ts. Units of one kind run as one batch, up to the size measured for it. The running job's next unit
 * is given out behind it, so the model is never idle; it is withdrawn when another turn becomes more urgent.
 */
import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { FairShare } from './fair-share.ts';
import type { StartedBatch, UnitOfWork } from '../generator.ts';
import { nextBatch, type Rank, type WaitingTurn } from './turn-order.ts';
import { WorkCosts } from './work-costs.ts';

/** What the owner says of a turn. Read at every decision, so the owner may change it while turns wait. */
export interface Claim {
  rank: Rank;
  /** When the result is needed, on the service's clock. */
  deadlineUs: number;
  /** Expected compute time of the tier the turn belongs to, in ms; 0 when unknown. */
  costMs: number;
  /** Turns of one user share that user's time. */
  user: string;
  /** Share compared with other users'; 1 is usual. */
  weight: number;
}

export interface TurnTaken {
  rank: Rank;
  kind: string;
  /** From request to start, ms. */
  waitedMs: number;
  /** Units that ran as one. */
  batchSize: number;
}

export interface SchedulerOptions {
  clock: Clock;
  costs?: WorkCosts;
  /** Most units of a kind per batch; 1 until measured (calibration.ts). */
  batchSize?: (kind: string) => number;
  /** A turn was given, for the metrics. */
  onTurn?: (turn: TurnTaken) => void;
}

interface Waiting extends WaitingTurn {
  claim: Claim;
  unit: UnitOfWork;
  signal: AbortSignal;
  onAbort: () => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Turns whose units were given out together. */
interface Begun extends StartedBatch {
  batch: readonly Waiting[];
  startedUs: number;
  /** It is unknown whether it runs. */
  withdrawing: boolean;
}

/** A job asks for two turns at a time and a session has at most three jobs, so this bounds sessions, not work. */
const QUEUE_CAPACITY = 512;

export class Scheduler {
  readonly costs: WorkCosts;
  readonly #options: SchedulerOptions;
  readonly #queue: Waiting[] = [];
  readonly #share = new FairShare();
  #draining = false;
  #running: Begun | undefined;
  /** Given out behind the running batch. */
  #ahead: Begun | undefined;
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
   * Runs the unit when its turn comes, and again if it was withdrawn. A running unit must not wait for another turn.
   * @throws GlimpseError ABORTED when `signal` fires while it waits, RATE_LIMITED when the queue is full; else what the
   *   unit throws
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
      unit,
      signal,
      onAbort,
      resolve,
      reject,
    };
    this.#enqueue(waiting);
    this.#lookAhead();
    void this.#drain();
    return promise;
  }

  /** Rejects waiting turns; running units end by their own signals. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#queue.toReversed()) {
      this.#leave(waiting);
      waiting.reject(new GlimpseError('ABORTED'));
    }
  }

  #enqueue(waiting: Waiting): void {
    waiting.signal.addEventListener('abort', waiting.onAbort, { once: true });
    this.#queue.push(waiting);
  }

  #leave(waiting: Waiting): void {
    this.#queue.splice(this.#queue.indexOf(waiting), 1);
    waiting.signal.removeEventListener('abort', waiting.onAbort);
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#take(); next; next = this.#ahead ?? this.#take()) {
        this.#running = Object.assign(next, { startedUs: this.#nowUs });
        this.#ahead = undefined;
        this.#lookAhead();
        await this.#end(this.#running);
        this.#running = undefined;
        // Lets the jobs just served ask for their next step; otherwise a draft's decode would miss its turn.
        if (this.#ahead === undefined) await nextTurnOfLoop();
      }
    } finally {
      this.#draining = false;
    }
  }

  /** Keeps the running job's next unit given out behind it, as long as that unit comes next. */
  #lookAhead(): void {
    const ahead = this.#ahead;
    if (this.#running === undefined || this.#running.withdrawing || ahead?.withdrawing === true) return;
    const [waiting] = ahead?.batch ?? [];
    const next = this.#next(this.#turns(waiting));
    if (ahead === undefined) {
      if (goesOn(next, this.#running.batch)) this.#ahead = this.#begin(next);
    } else if (next[0] !== waiting || next.length > 1) {
      ahead.withdrawing = true;
      ahead.withdraw();
      void ahead.ended.then((results) => this.#onAheadEnded(ahead, results !== undefined));
    }
  }

  /** If it is the running one by now, the loop sees to it. */
  #onAheadEnded(ahead: Begun, ran: boolean): void {
    if (ran || this.#ahead !== ahead) return;
    this.#ahead = undefined;
    this.#putBack(ahead);
    this.#lookAhead();
  }

  /** Withdrawn turns wait again. */
  #putBack({ batch }: Begun): void {
    for (const waiting of batch) {
      this.#enqueue(waiting);
      if (waiting.signal.aborted || this.#closed) waiting.onAbort();
    }
  }

  /** The turns that may start, of those that wait and `another`: a unit never starts before the one it follows. */
  #turns(another?: Waiting): Waiting[] {
    const waiting = another ? [...this.#queue, another] : this.#queue;
    const units = new Set(waiting.map(({ unit }) => unit));
    const turns = waiting.filter(({ unit: { after } }) => after === undefined || !units.has(after));
    for (const turn of turns) {
      const { rank, deadlineUs, costMs, user } = turn.claim;
      Object.assign(turn, { rank, deadlineUs, costMs, servedMs: this.#share.servedMs(user) });
    }
    return turns;
  }

  #next(turns: readonly Waiting[]): Waiting[] {
    return nextBatch(turns, this.#nowUs, this.#options.batchSize ?? (() => 1));
  }

  #take(): Begun | undefined {
    const turns = this.#turns();
    this.#share.advance(Math.min(...turns.map(({ servedMs }) => servedMs)));
    return this.#begin(this.#next(turns));
  }

  #begin(batch: readonly Waiting[]): Begun | undefined {
    const [first] = batch;
    if (first === undefined) return undefined;
    for (const waiting of batch) this.#leave(waiting);
    const units = batch.map(({ unit }) => unit);
    const started = first.unit.batches?.start(units) ?? {
      ended: Promise.allSettled(units.map(async (unit) => unit.run())),
      withdraw: () => {},
    };
    return { ...started, batch, startedUs: this.#nowUs, withdrawing: false };
  }

  async #end(begun: Begun): Promise<void> {
    const { batch, startedUs } = begun;
    if (!begun.withdrawing) this.#report(begun);
    const results = await begun.ended;
    if (results === undefined) return this.#putBack(begun);
    if (begun.withdrawing) this.#report(begun);
    const shareMs = (this.#nowUs - startedUs) / 1000 / batch.length;
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

  #report({ batch, startedUs }: Begun): void {
    for (const { rank, kind, waitingSinceUs } of batch)
      this.#options.onTurn?.({ rank, kind, waitedMs: (startedUs - waitingSinceUs) / 1000, batchSize: batch.length });
  }

  get #nowUs(): number {
    return this.#options.clock.nowUs();
  }
}

/** Whether these turns are only the next unit of the running job, and it may be given out now. */
const goesOn = ([next, ...others]: readonly Waiting[], running: readonly Waiting[]): boolean =>
  next !== undefined &&
  others.length === 0 &&
  running.some(({ unit }) => unit === next.unit.after) &&
  next.unit.batches?.mayFollow(next.unit) === true;
