/**
 * What is being made at this moment, by key: whoever wants the same thing waits until the one who makes it is done or has
 * given up, and then looks whether it is there. Each makes for himself: when one leaves, no other loses anything by it.
 */
import { kept } from '../../lifetime/kept-promise.ts';
import { untilAborted } from '../../lifetime/until-aborted.ts';

export interface Flight extends Disposable {
  /** Whether somebody else was making it before. */
  readonly waited: boolean;
}

export class Singleflight {
  readonly #under = new Map<string, Promise<void>>();

  /** Things being made now. */
  get size(): number {
    return this.#under.size;
  }

  /**
   * Takes the making of `key`, once nobody else has it; dispose of it when it is made, or given up.
   * @throws GlimpseError ABORTED when `signal` fires while it waits
   */
  async take(key: string, signal: AbortSignal): Promise<Flight> {
    let waited = false;
    for (let under = this.#under.get(key); under; under = this.#under.get(key)) {
      waited = true;
      await untilAborted(under, signal);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#under.set(key, kept(promise));
    let held = true;
    const leave = (): void => {
      if (held) this.#under.delete(key);
      held = false;
      resolve();
    };
    return { waited, [Symbol.dispose]: leave };
  }
}
