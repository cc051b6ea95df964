/**
 * Lets one caller at a time make the value of a key. The others wait until it is done or gives up, then check whether
 * the value is there. Callers share no work: cancelling one affects no other.
 */
import { kept } from '../../lifetime/kept-promise.ts';
import { untilAborted } from '../../lifetime/until-aborted.ts';

export interface Flight extends Disposable {
  /** Whether another caller held the key before. */
  readonly waited: boolean;
}

export class Singleflight {
  readonly #under = new Map<string, Promise<void>>();

  /** Keys held now. */
  get size(): number {
    return this.#under.size;
  }

  /**
   * Takes `key` once no other caller holds it. Dispose of the result when the value is made or given up.
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
