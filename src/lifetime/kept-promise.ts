/**
 * A promise in a field, which callers await later or never. Without a handler its rejection counts as unhandled and by
 * Node's default ends the process. The test `kept-promises.test.ts` enforces this for every such field.
 */

/**
 * Gives a promise a handler from the start. Callers that await it still see its rejection.
 * @example this.#opening ??= kept(this.#open());
 */
export function kept<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
