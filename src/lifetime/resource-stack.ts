/**
 * Closes what a function has opened, in reverse order: the part of `AsyncDisposableStack` that Node 22 lacks and the
 * service needs. If one resource fails to close, the others are still closed; then the first failure is thrown.
 */
export class ResourceStack implements AsyncDisposable {
  readonly #ends: (() => unknown)[] = [];
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Adds `resource` to the stack and returns it. */
  use<Resource extends AsyncDisposable | Disposable>(resource: Resource): Resource {
    return this.adopt(resource, (used) =>
      Symbol.asyncDispose in used ? used[Symbol.asyncDispose]() : used[Symbol.dispose](),
    );
  }

  /** Adds `value`, which `end` closes, and returns it. */
  adopt<Value>(value: Value, end: (value: Value) => unknown): Value {
    this.#ends.push(() => end(value));
    return value;
  }

  /** Idempotent. */
  async disposeAsync(): Promise<void> {
    this.#disposed = true;
    const failures: unknown[] = [];
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disposeAsync();
  }
}
