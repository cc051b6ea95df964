/**
 * Detects a run of the model that hangs: it takes many times its part's usual time. Only time in which this process
 * runs counts, so a laptop that slept, or a debugger, raises no alarm.
 */

/** A run of this many times the usual hangs. The embedded model's longest usual run is a quarter of a second. */
const USUAL_TIMES = 4;
/** After an alarm the part's limit grows by this factor, so that a machine that stays slow stops raising alarms. */
const AFTER_HANG_TIMES = 2;
/** Least limit: on a busy machine a process may wait this long for its turn. */
const LEAST_MS = 1_000;
/** For a part that has never run: the first run allocates, and the part's size is not known. */
const UNKNOWN_MS = 60_000;
/** Interval of checks; the time between two of them counts as at most twice this. */
const LOOK_MS = 100;
/** Weight of the newest run in a part's usual time. */
const NEWEST = 0.2;

export class RunWatch {
  readonly #onHang: () => void;
  /** Ms of one run in the model, by part. */
  readonly #usualMs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onHang called once for a run that hangs */
  constructor(onHang: () => void) {
    this.#onHang = onHang;
  }

  /** A run of `items` items has started. */
  begin(part: string, items: number): void {
    this.stop();
    const limitMs = this.limitMs(part, items);
    let passedMs = 0;
    let lookedMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      passedMs += Math.min(2 * LOOK_MS, nowMs - lookedMs);
      lookedMs = nowMs;
      if (passedMs < limitMs) return;
      this.stop();
      this.#usualMs.set(part, (limitMs / USUAL_TIMES / items) * AFTER_HANG_TIMES);
      this.#onHang();
    }, LOOK_MS);
  }

  /** The run has ended, or its process has. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reports the time of a finished run. */
  onRun(part: string, items: number, computeMs: number): void {
    const itemMs = computeMs / items;
    const usualMs = this.#usualMs.get(part) ?? itemMs;
    this.#usualMs.set(part, usualMs + NEWEST * (itemMs - usualMs));
  }

  /** Limit for such a run, ms. */
  limitMs(part: string, items: number): number {
    const usualMs = this.#usualMs.get(part);
    return usualMs === undefined ? UNKNOWN_MS : Math.max(LEAST_MS, USUAL_TIMES * usualMs * items);
  }
}
