/**
 * One timer for all send paths of the process. A wake-up costs more than sending a packet, so all paths due within a
 * millisecond wake together; without due paths there is no timer. A path whose `wake` throws is removed and reported,
 * so that the others go on.
 */
import { systemClock, type Clock, type Timer } from '../../clock.ts';
import { warnOfListener } from '../../events.ts';

export interface PacerTimerOptions {
  clock?: Clock;
  /** Called when a `wake` threw; that path is not woken again. Default: a process warning. */
  onError?: (error: unknown) => void;
}

export interface Waker {
  /** Asks for a wake-up at this time at the latest. */
  by(dueUs: number): void;
  close(): void;
}

interface Sleeper {
  wake: (nowUs: number) => number | undefined;
  dueUs: number;
  closed: boolean;
}

/** No system keeps shorter timers. */
const GRANULARITY_US = 1_000;

export class PacerTimer {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  /** Replaced, never changed in place: a path may leave while the array is iterated. */
  #sleepers: Sleeper[] = [];
  #timer: Timer | undefined;
  #armedForUs = Infinity;

  constructor({ clock = systemClock, onError }: PacerTimerOptions = {}) {
    this.#clock = clock;
    this.#onError = onError ?? ((error) => warnOfListener(error, 'wake'));
  }

  /** Number of registered paths; for leak tests. */
  get size(): number {
    return this.#sleepers.length;
  }

  /** @param wake called when due; returns the time of its next call, undefined: when `by` asks for one */
  register(wake: (nowUs: number) => number | undefined): Waker {
    const sleeper: Sleeper = { wake, dueUs: Infinity, closed: false };
    this.#sleepers.push(sleeper);
    return {
      by: (dueUs) => {
        if (sleeper.closed || dueUs >= sleeper.dueUs) return;
        sleeper.dueUs = dueUs;
        if (dueUs < this.#armedForUs) this.#armFor(dueUs);
      },
      close: () => {
        this.#remove(sleeper);
        this.#arm();
      },
    };
  }

  #remove(sleeper: Sleeper): void {
    sleeper.closed = true;
    sleeper.dueUs = Infinity;
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
  }

  #arm(): void {
    let dueUs = Infinity;
    const sleepers = this.#sleepers;
    // Runs a thousand times a second: an index loop, because an iterator allocates at every step.
    for (let index = 0; index < sleepers.length; index++) dueUs = Math.min(dueUs, sleepers[index]!.dueUs);
    if (dueUs !== this.#armedForUs) this.#armFor(dueUs);
  }

  #armFor(dueUs: number): void {
    this.#timer?.close();
    this.#timer = undefined;
    this.#armedForUs = dueUs;
    if (dueUs === Infinity) return;
    const delayUs = Math.max(dueUs - this.#clock.nowUs(), GRANULARITY_US);
    this.#timer = this.#clock.after(Math.ceil(delayUs / 1_000), () => this.#fire(), { background: true });
  }

  #fire(): void {
    this.#timer = undefined;
    this.#armedForUs = Infinity;
    const nowUs = this.#clock.nowUs();
    const failures: unknown[] = [];
    const sleepers = this.#sleepers;
    for (let index = 0; index < sleepers.length; index++) {
      const sleeper = sleepers[index]!;
      if (sleeper.dueUs > nowUs + GRANULARITY_US / 2) continue;
      sleeper.dueUs = Infinity;
      try {
        const nextUs = sleeper.wake(nowUs) ?? Infinity;
        if (!sleeper.closed) sleeper.dueUs = Math.min(sleeper.dueUs, nextUs);
      } catch (error) {
        this.#remove(sleeper);
        failures.push(error);
      }
    }
    this.#arm();
    // Last, so that a hook that throws cannot leave other paths without a timer.
    for (const error of failures) this.#onError(error);
  }
}
