/**
 * Whether the one-way delay rises: the slope of a least-squares line through the smoothed, accumulated delay variation
 * of the last groups (draft-ietf-rmcat-gcc-02 section 5.3; constants of libwebrtc's trendline estimator).
 */
import type { GroupDelta } from './arrival-groups.ts';

const WINDOW_GROUPS = 20;
const SMOOTHING = 0.9;
/** The weight of the slope grows with the number of groups, up to this many. */
const DELTAS_FULL_WEIGHT = 60;
const GAIN = 4;

export class Trendline {
  #points: { arrivedMs: number; delayMs: number }[] = [];
  #accumulatedMs = 0;
  #smoothedMs = 0;
  #deltas = 0;
  #originUs: number | undefined;
  #trend = 0;

  /** Takes the next group; returns the weighted trend (dimensionless; compared with the threshold of `overuse.ts`). */
  update({ sendDeltaUs, arrivalDeltaUs, arrivedAtUs }: GroupDelta): number {
    this.#originUs ??= arrivedAtUs;
    this.#deltas += 1;
    this.#accumulatedMs += (arrivalDeltaUs - sendDeltaUs) / 1_000;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * this.#accumulatedMs;
    this.#points.push({ arrivedMs: (arrivedAtUs - this.#originUs) / 1_000, delayMs: this.#smoothedMs });
    if (this.#points.length > WINDOW_GROUPS) this.#points.shift();
    const slope = this.#points.length === WINDOW_GROUPS ? leastSquaresSlope(this.#points) : 0;
    this.#trend = Math.min(this.#deltas, DELTAS_FULL_WEIGHT) * slope * GAIN;
    return this.#trend;
  }

  get trend(): number {
    return this.#trend;
  }

  reset(): void {
    this.#points = [];
    this.#accumulatedMs = 0;
    this.#smoothedMs = 0;
    this.#deltas = 0;
    this.#originUs = undefined;
    this.#trend = 0;
  }
}

function leastSquaresSlope(points: readonly { arrivedMs: number; delayMs: number }[]): number {
  let sumX = 0;
  let sumY = 0;
  for (const { arrivedMs, delayMs } of points) {
    sumX += arrivedMs;
    sumY += delayMs;
  }
  const meanX = sumX / points.length;
  const meanY = sumY / points.length;
  let numerator = 0;
  let denominator = 0;
  for (const { arrivedMs, delayMs } of points) {
    numerator += (arrivedMs - meanX) * (delayMs - meanY);
    denominator += (arrivedMs - meanX) ** 2;
  }
  return denominator === 0 ? 0 : numerator / denominator;
}
