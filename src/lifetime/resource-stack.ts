/**
 * Ends what a function has opened, last first: the part of `AsyncDisposableStack` that Node 22 lacks and the service needs.
 * A resource that fails to end does not keep the others open; the first failure is thrown when all have been tried.
 */
export class ResourceStack implements AsyncDisposable {
  readonly #ends: (() => unknown)[] = [];
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Takes over `resource` and returns it. */
  use<Resource extends AsyncDisposable | Disposable>(resource: Resource): Resource {
    return this.adopt(resource, (used) =>
      Symbol.asyncDispose in used ? used[Symbol.asyncDispose]() : used[Symbol.dispose](),
    );
  }

  /** Takes over `value`, which `end` ends, and returns it. */
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
