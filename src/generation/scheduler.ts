/**
 * Decides who computes next. The unit of work is one tier of one slice; units of all sessions wait in one bounded
 * queue and run one at a time, because one inference worker computes them. Order: who sees nothing yet, then what a
 * playhead needs soonest, then polish; within a rank the earliest deadline first.
 */
import { GlimpseError } from '../errors.ts';

export interface WorkUnit<Result> {
  /** Smaller first; see timeline/planner.ts. */
  rank: number;
  /** When the result is wanted, on the session's clock. */
  deadlineUs: number;
  signal: AbortSignal;
  run(): Promise<Result>;
}

interface Waiting {
  rank: number;
  deadlineUs: number;
  order: number;
  signal: AbortSignal;
  start(): Promise<void>;
  drop(error: GlimpseError): void;
}

/** A session keeps one unit in the queue, so this bounds sessions, not work. */
const QUEUE_CAPACITY = 256;

export class Scheduler {
  readonly #queue: Waiting[] = [];
  #running = false;
  #order = 0;
  #closed = false;

  /** Units waiting, not counting the one that runs. */
  get length(): number {
    return this.#queue.length;
  }

  /** Units that wait and would run before a new one of this rank. */
  ahead(rank: number): number {
    return this.#queue.filter((waiting) => waiting.rank <= rank).length;
  }

  /**
   * Runs the unit when its turn comes.
   * @throws GlimpseError ABORTED when `signal` fires while it waits, RATE_LIMITED when the queue is full.
   */
  submit<Result>(unit: WorkUnit<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#closed || unit.signal.aborted) return reject(new GlimpseError('ABORTED'));
      if (this.#queue.length >= QUEUE_CAPACITY) return reject(new GlimpseError('RATE_LIMITED', { retryAfterMs: 1000 }));
      const onAbort = (): void => {
        const index = this.#queue.indexOf(waiting);
        if (index >= 0) this.#queue.splice(index, 1);
        reject(new GlimpseError('ABORTED'));
      };
      const waiting: Waiting = {
        rank: unit.rank,
        deadlineUs: unit.deadlineUs,
        order: this.#order++,
        signal: unit.signal,
        start: () => {
          unit.signal.removeEventListener('abort', onAbort);
          return unit.run().then(resolve, reject);
        },
        drop: (error) => {
          unit.signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      unit.signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiting);
      void this.#drain();
    });
  }

  /** Units that wait are dropped; the one that runs ends by its own signal. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.drop(new GlimpseError('ABORTED'));
  }

  async #drain(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#takeMostUrgent(); next; next = this.#takeMostUrgent()) await next.start();
    } finally {
      this.#running = false;
    }
  }

  #takeMostUrgent(): Waiting | undefined {
    let best = 0;
    for (let i = 1; i < this.#queue.length; i++) if (isMoreUrgent(this.#queue[i], this.#queue[best])) best = i;
    return this.#queue.splice(best, 1)[0];
  }
}

function isMoreUrgent(a: Waiting | undefined, b: Waiting | undefined): boolean {
  if (!a || !b) return false;
  return (a.rank - b.rank || a.deadlineUs - b.deadlineUs || a.order - b.order) < 0;
}
