/**
 * A typed event emitter. A class owns one, names its events in a map of argument tuples, and a listener that throws
 * never breaks the emitter: the failure goes to the instance's `onListenerError`. Two services in one process have one each.
 */
export type EventMap = Record<string, readonly unknown[]>;
type Listener<Arguments extends readonly unknown[]> = (...args: Arguments) => void;

export type ListenerErrorHandler = (error: unknown, event: string) => void;

/** Where no owner said otherwise: a warning of the process, without the error's words, which may be private. */
export const warnOfListener: ListenerErrorHandler = (error, event) => {
  const type = error instanceof Error ? error.name : typeof error;
  process.emitWarning(`a listener of "${event}" threw ${type}`, 'GlimpseListenerWarning');
};

export class Emitter<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  /** Told of a listener that threw; set by whoever owns the instance. */
  onListenerError: ListenerErrorHandler = warnOfListener;
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Adds a listener; returns the function that removes it. */
  on<Name extends keyof Events>(event: Name, listener: Listener<Events[Name]>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  once<Name extends keyof Events>(event: Name, listener: Listener<Events[Name]>): () => void {
    const off = this.on(event, (...args) => {
      off();
      listener(...args);
    });
    return off;
  }

  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    for (const listener of Array.from(this.#listeners.get(event) ?? [])) {
      try {
        (listener as Listener<Events[Name]>)(...args);
      } catch (error) {
        this.onListenerError(error, String(event));
      }
    }
  }

  /** Forgets every listener; called last by whoever closes. */
  clear(): void {
    this.#listeners.clear();
  }
}
