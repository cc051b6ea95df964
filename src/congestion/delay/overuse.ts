/**
 * Decides from the trend whether the path is overused, with a threshold that adapts to the path's own jitter
 * (draft-ietf-rmcat-gcc-02 section 5.4; Carlucci et al., "Congestion Control for Web Real-Time Communication", 2017).
 */
const THRESHOLD_START = 12.5;
const THRESHOLD_MIN = 6;
const THRESHOLD_MAX = 600;
/** Per ms. Falls faster than it rises; otherwise one spike would disable the detector for seconds. */
const GAIN_UP = 0.0087;
const GAIN_DOWN = 0.039;
/** A trend this far above the threshold is an event, not jitter; it does not adapt the threshold. */
const ADAPTATION_MARGIN = 15;
const ADAPTATION_STEP_MAX_MS = 100;
/** Overuse must last this long and over two groups. */
const OVERUSE_TIME_MS = 10;

export type PathUse = 'normal' | 'overuse' | 'underuse';

export class OveruseDetector {
  #threshold = THRESHOLD_START;
  #state: PathUse = 'normal';
  #overusingMs: number | undefined;
  #overusingGroups = 0;
  #previousTrend = 0;
  #adaptedAtMs: number | undefined;

  get state(): PathUse {
    return this.#state;
  }

  get threshold(): number {
    return this.#threshold;
  }

  update(trend: number, sendDeltaMs: number, arrivedAtMs: number): PathUse {
    if (trend > this.#threshold) {
      this.#overusingMs = this.#overusingMs === undefined ? sendDeltaMs / 2 : this.#overusingMs + sendDeltaMs;
      this.#overusingGroups += 1;
      const lasts = this.#overusingMs > OVERUSE_TIME_MS && this.#overusingGroups > 1;
      if (lasts && trend >= this.#previousTrend) {
        this.#overusingMs = 0;
        this.#overusingGroups = 0;
        this.#state = 'overuse';
      }
    } else {
      this.#overusingMs = undefined;
      this.#overusingGroups = 0;
      this.#state = trend < -this.#threshold ? 'underuse' : 'normal';
    }
    this.#previousTrend = trend;
    this.#adapt(trend, arrivedAtMs);
    return this.#state;
  }

  reset(): void {
    this.#threshold = THRESHOLD_START;
    this.#state = 'normal';
    this.#overusingMs = undefined;
    this.#overusingGroups = 0;
    this.#previousTrend = 0;
    this.#adaptedAtMs = undefined;
  }

  #adapt(trend: number, arrivedAtMs: number): void {
    const elapsedMs = Math.min(arrivedAtMs - (this.#adaptedAtMs ?? arrivedAtMs), ADAPTATION_STEP_MAX_MS);
    this.#adaptedAtMs = arrivedAtMs;
    const size = Math.abs(trend);
    if (size > this.#threshold + ADAPTATION_MARGIN) return;
    const gain = size < this.#threshold ? GAIN_DOWN : GAIN_UP;
    const moved = this.#threshold + gain * (size - this.#threshold) * elapsedMs;
    this.#threshold = Math.min(Math.max(moved, THRESHOLD_MIN), THRESHOLD_MAX);
  }
}
