/**
 * Notices that a run of the model will not end: it has taken many times what its part usually takes. Counts the time that
 * this process has been running for it, so that a laptop that slept, or a debugger, makes no thread look dead.
 */

/** A run of this many times the usual is not slow, it hangs. The embedded model's longest usual run is a quarter of a second. */
const USUAL_TIMES = 4;
/** After an alarm its part is given this many times as long: a machine that became so slow for good is not forever alarming. */
const AFTER_HANG_TIMES = 2;
/** However short runs are: on a busy machine a thread may wait its turn for this long. */
const LEAST_MS = 1_000;
/** Of a part that has never run: the first run allocates, and nobody knows how large the part is. */
const UNKNOWN_MS = 60_000;
/** How often the time is looked at; what passes between two looks counts as at most twice this. */
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

  /** A run of so many items has begun. */
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

  /** The run has ended, or its thread has. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** What a run has taken in the model. */
  onRun(part: string, items: number, computeMs: number): void {
    const itemMs = computeMs / items;
    const usualMs = this.#usualMs.get(part) ?? itemMs;
    this.#usualMs.set(part, usualMs + NEWEST * (itemMs - usualMs));
  }

  /** How long such a run may take, ms. */
  limitMs(part: string, items: number): number {
    const usualMs = this.#usualMs.get(part);
    return usualMs === undefined ? UNKNOWN_MS : Math.max(LEAST_MS, USUAL_TIMES * usualMs * items);
  }
}
