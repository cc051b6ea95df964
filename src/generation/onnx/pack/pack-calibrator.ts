/**
 * Calibrates while the service runs. It starts once the service is ready, only if this machine and pack have not been
 * measured before, and waits for viewers between two runs. Results apply to sessions that start afterwards.
 */
import { sleep, systemClock } from '../../../clock.ts';
import type { Log } from '../../../log.ts';
import type { Calibration } from './calibration.ts';
import { calibratePacks, type ChosenPack } from './pack-choice.ts';

/** How often to check whether the viewers are gone. */
const BUSY_CHECK_MS = 1_000;

export interface PackCalibratorOptions {
  /** The serving pack. */
  chosen: ChosenPack;
  /** Packs that may serve at the next start: a pack, or `auto`. */
  model: string;
  /** `never` keeps everything at its default; `always` measures again. */
  when: 'auto' | 'always' | 'never';
  isBusy: () => boolean;
  /** The serving pack's costs are known: from an earlier start, or now. */
  onKnown?: (calibration: Calibration) => void;
  log: Log;
}

export class PackCalibrator implements AsyncDisposable {
  readonly #options: PackCalibratorOptions;
  readonly #abort = new AbortController();
  #current: Calibration | undefined;
  #run: Promise<void> | undefined;

  constructor(options: PackCalibratorOptions) {
    this.#options = options;
    if (options.when !== 'never') this.#current = options.chosen.calibration;
  }

  /** Calibration of the serving pack; undefined until it is known. */
  get current(): Calibration | undefined {
    return this.#current;
  }

  /** Starts to measure if needed. Returns at once, never throws. */
  start(): void {
    const { when } = this.#options;
    if (when === 'never' || this.#abort.signal.aborted) return;
    if (this.#current) this.#options.onKnown?.(this.#current);
    this.#run ??= this.#measure(when === 'always').catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#options.log.warn({ err: error }, 'calibration failed');
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #measure(force: boolean): Promise<void> {
    const { chosen, model, log } = this.#options;
    const { signal } = this.#abort;
    const turn = (): Promise<void> => this.#idle();
    for (const { directory, calibration, cached } of await calibratePacks(model, { force, signal, turn })) {
      if (directory === chosen.directory) {
        this.#current = calibration;
        this.#options.onKnown?.(calibration);
      }
      const { pack, tierCap, threads, batchSize } = calibration;
      if (!cached) log.info({ pack, tierCap, threads, batchSize }, 'calibrated');
    }
  }

  async #idle(): Promise<void> {
    const { signal } = this.#abort;
    while (this.#options.isBusy() && !signal.aborted) {
      await sleep(systemClock, BUSY_CHECK_MS, signal, { background: true });
    }
  }
}
