/**
 * One timer for all send paths of the process. Waking up costs more than sending a packet, so everyone due within a
 * millisecond is woken together, and with nobody due there is no timer at all. One that throws is left out from then
 * on and reported: the others must not stop for it.
 */
import { systemClock, type Clock } from '../../clock.ts';
import { warnOfListener } from '../../events.ts';

/** Runs a callback once after a delay; returns what cancels it. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

export interface PacerTimerOptions {
  clock?: Clock;
  /** For virtual time; the default does not keep the process alive. */
  schedule?: Schedule;
  /** A `wake` threw; it is not called again. Default: a warning of the process. */
  onError?: (error: unknown) => void;
}

export interface Waker {
  /** Wakes at this instant at the latest. */
  by(dueUs: number): void;
  close(): void;
}

interface Sleeper {
  wake: (nowUs: number) => number | undefined;
  dueUs: number;
  closed: boolean;
}

/** Timers below this are not kept by any system. */
const GRANULARITY_US = 1_000;

const scheduleTimeout: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

export class PacerTimer {
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #onError: (error: unknown) => void;
  /** Exchanged and not shortened when one leaves, for that may be while all are gone through. */
  #sleepers: Sleeper[] = [];
  #cancel: (() => void) | undefined;
  #armedForUs = Infinity;

  constructor({ clock = systemClock, schedule = scheduleTimeout, onError }: PacerTimerOptions = {}) {
    this.#clock = clock;
    this.#schedule = schedule;
    this.#onError = onError ?? ((error) => warnOfListener(error, 'wake'));
  }

  /** How many are registered; for leak tests. */
  get size(): number {
    return this.#sleepers.length;
  }

  /** @param wake called when due; returns when it wants to be called again, undefined: not before it asks. */
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
    // A thousand times a second over everyone: by number, for an iterator is garbage with every step.
    for (let index = 0; index < sleepers.length; index++) dueUs = Math.min(dueUs, sleepers[index]!.dueUs);
    if (dueUs !== this.#armedForUs) this.#armFor(dueUs);
  }

  #armFor(dueUs: number): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedForUs = dueUs;
    if (dueUs === Infinity) return;
    const delayUs = Math.max(dueUs - this.#clock.nowUs(), GRANULARITY_US);
    this.#cancel = this.#schedule(() => this.#fire(), Math.ceil(delayUs / 1_000));
  }

  #fire(): void {
    this.#cancel = undefined;
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
    // Last, so that not even a hook that throws leaves the others asleep.
    for (const error of failures) this.#onError(error);
  }
}
