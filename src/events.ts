/**
 * A typed event emitter. A class owns one and names its events in a map of argument tuples. An error of a listener
 * never breaks the emitter: it goes to the instance's `onListenerError`. Each service in a process has its own.
 */
export type EventMap = Record<string, readonly unknown[]>;
type Listener<Arguments extends readonly unknown[]> = (...args: Arguments) => void;

export type ListenerErrorHandler = (error: unknown, event: string) => void;

/** Default handler: a process warning without the error's text, which may be private. */
export const warnOfListener: ListenerErrorHandler = (error, event) => {
  const type = error instanceof Error ? error.name : typeof error;
  process.emitWarning(`a listener of "${event}" threw ${type}`, 'GlimpseListenerWarning');
};

/** Where events go, for a part that tells and does not listen. */
export type EventSink<Events extends { [Name in keyof Events]: readonly unknown[] }> = Pick<Emitter<Events>, 'emit'>;

export class Emitter<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  /** Called with a listener's error; set by the owner of the instance. */
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

  /** Removes every listener; the owner calls it last, on close. */
  clear(): void {
    this.#listeners.clear();
  }
}
