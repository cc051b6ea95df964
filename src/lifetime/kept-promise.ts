/**
 * A promise that is kept in a field, for callers that come later or not at all. Without a handler its rejection would count
 * as unhandled, and by Node's default end the process. The test `kept-promises.test.ts` holds every such field to this.
 */

/**
 * Gives a promise a handler from the start. Callers that await it still see its rejection.
 * @example this.#opening ??= kept(this.#open());
 */
export function kept<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
