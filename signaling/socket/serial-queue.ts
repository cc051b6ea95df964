/**
 * Runs a connection's messages one after another in order of arrival, so that a candidate never overtakes its offer.
 * Holds at most `capacity` waiting tasks and refuses newer ones.
 */
export class SerialQueue {
  readonly #capacity: number;
  readonly #onError: (error: unknown) => void;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  /** @param onError called when a task rejects; later tasks still run */
  constructor(capacity: number, onError: (error: unknown) => void) {
    this.#capacity = capacity;
    this.#onError = onError;
  }

  /** False when the queue is full and the task was not taken. */
  push(task: () => Promise<void>): boolean {
    if (this.#waiting >= this.#capacity) return false;
    this.#waiting++;
    this.#tail = this.#after(this.#tail, task).catch(this.#onError);
    return true;
  }

  async #after(previous: Promise<void>, task: () => Promise<void>): Promise<void> {
    await previous;
    try {
      await task();
    } finally {
      this.#waiting--;
    }
  }

  /** Resolves when everything pushed so far has run. */
  idle(): Promise<void> {
    return this.#tail;
  }
}
