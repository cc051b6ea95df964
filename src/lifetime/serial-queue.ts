/**
 * Runs asynchronous work one piece at a time, in order of arrival. A piece that fails does not stop those after it.
 * Holds at most `capacity` pieces, the running one included, and refuses newer ones.
 */
import { GlimpseError } from '../errors.ts';

export class SerialQueue {
  readonly #capacity: number;
  #size = 0;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param capacity pieces that may run or wait, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isFull(): boolean {
    return this.#size >= this.#capacity;
  }

  /**
   * Runs `work` after everything before it, and settles as it does.
   * @throws GlimpseError RATE_LIMITED when full, ABORTED when closed before its turn
   */
  run<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    const result = this.isFull ? Promise.reject(queueFull()) : this.#queued(work);
    result.catch(() => {});
    return result;
  }

  #queued<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    this.#size += 1;
    const result = this.#last
      .then(() => {
        if (this.#closed) throw new GlimpseError('ABORTED');
        return work();
      })
      .finally(() => {
        this.#size -= 1;
      });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when everything accepted so far has ended; never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** Refuses what waits and what comes; resolves when the running piece has ended. Idempotent, never rejects. */
  close(): Promise<void> {
    this.#closed = true;
    return this.idle();
  }
}

/** The error of a full queue, for callers that look at `isFull` first and refuse at once. */
export const queueFull = (): GlimpseError => new GlimpseError('RATE_LIMITED', { retryAfterMs: 1_000 });
