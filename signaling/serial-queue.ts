/**
 * Runs a connection's messages one after another, in the order they came, so that a candidate never overtakes its
 * offer. Holds at most `capacity` waiting tasks and refuses the newest beyond that.
 */
export class SerialQueue {
  readonly #capacity: number;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** False when the queue is full and the task was not taken. A task must not throw. */
  push(task: () => Promise<void>): boolean {
    if (this.#waiting >= this.#capacity) return false;
    this.#waiting++;
    this.#tail = this.#after(this.#tail, task);
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
