/** Puts a model without users to rest after a while: half-loaded, so that it is back in under 100 ms. */
import { systemClock, type Timer } from '../../clock.ts';
import { SerialQueue } from '../../lifetime/serial-queue.ts';
import { LIMITS } from '../../limits.ts';
import type { Activation, ModelMemory } from './model-memory.ts';

export interface IdleModelOptions {
  memory: Pick<ModelMemory, 'activate' | 'rest'>;
  /** The model rests after this long without a user, ms; 0: never. */
  idleMs: number;
  onActivated?: (activation: Activation) => void;
}

export class IdleModel implements AsyncDisposable {
  readonly #options: IdleModelOptions;
  /** One change after another: resting during activation would leave half of each. */
  readonly #changes = new SerialQueue(LIMITS.serialWorkMax);
  #timer: Timer | undefined;
  #resting = false;

  constructor(options: IdleModelOptions) {
    this.#options = options;
  }

  /**
   * The model has users. Resolves once it is loaded; `undefined` if it was not at rest.
   * @throws GlimpseError GENERATOR_DOWN, MODEL_INVALID
   */
  async use(): Promise<Activation | undefined> {
    this.#timer?.close();
    if (!this.#resting) return undefined;
    this.#resting = false;
    const activation = await this.#changes.run(() => this.#options.memory.activate());
    this.#options.onActivated?.(activation);
    return activation;
  }

  /** The last user has left. */
  leave(): void {
    const { idleMs } = this.#options;
    this.#timer?.close();
    if (idleMs > 0) this.#timer = systemClock.after(idleMs, () => void this.#rest(), { background: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.close();
    await this.#changes.close();
  }

  async #rest(): Promise<void> {
    this.#resting = true;
    // A process that has just died holds nothing to put to rest.
    await this.#changes.run(() => this.#options.memory.rest('half-loaded')).catch(() => {});
  }
}
