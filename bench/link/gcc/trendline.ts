/**
 * The baseline's overuse detector, as libwebrtc's `TrendlineEstimator`: the slope of the smoothed one-way delay over the
 * last 20 groups against a threshold that adapts to the path's jitter.
 */
import type { GroupDelta } from './arrival-groups.ts';

export type Usage = 'normal' | 'overusing' | 'underusing';

const WINDOW = 20;
const SMOOTHING = 0.9;
const GAIN = 4;
const DELTAS_MAX = 60;
const THRESHOLD_START = 12.5;
const THRESHOLD_MIN = 6;
const THRESHOLD_MAX = 600;
const THRESHOLD_UP = 0.0087;
const THRESHOLD_DOWN = 0.039;
const OUTLIER = 15;
const STEP_MAX_MS = 100;
const OVERUSE_MS = 10;

export class GccTrendline {
  #points: { x: number; y: number }[] = [];
  #firstArrivedMs: number | undefined;
  #accumulatedMs = 0;
  #smoothedMs = 0;
  #deltas = 0;
  #slope = 0;
  #threshold = THRESHOLD_START;
  #usage: Usage = 'normal';
  #overuseMs = -1;
  #overuses = 0;
  #previousSlope = 0;
  #adaptedMs: number | undefined;
  #modified = 0;

  get usage(): Usage {
    return this.#usage;
  }

  get threshold(): number {
    return this.#threshold;
  }

  /** The slope as it is compared with the threshold. */
  get trend(): number {
    return this.#modified;
  }

  /** @param arrivedMs receiver's clock. */
  update({ sendMs, arrivalMs }: GroupDelta, arrivedMs: number): void {
    this.#firstArrivedMs ??= arrivedMs;
    this.#deltas = Math.min(this.#deltas + 1, 1_000);
    this.#accumulatedMs += arrivalMs - sendMs;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * this.#accumulatedMs;
    this.#points.push({ x: arrivedMs - this.#firstArrivedMs, y: this.#smoothedMs });
    if (this.#points.length > WINDOW) this.#points.shift();
    if (this.#points.length === WINDOW) this.#slope = slopeOf(this.#points) ?? this.#slope;
    this.#detect(sendMs, arrivedMs);
  }

  #detect(sendMs: number, arrivedMs: number): void {
    if (this.#deltas < 2) return;
    this.#modified = Math.min(this.#deltas, DELTAS_MAX) * this.#slope * GAIN;
    if (this.#modified > this.#threshold) {
      this.#overuseMs = this.#overuseMs < 0 ? sendMs / 2 : this.#overuseMs + sendMs;
      this.#overuses += 1;
      if (this.#overuseMs > OVERUSE_MS && this.#overuses > 1 && this.#slope >= this.#previousSlope) {
        this.#overuseMs = 0;
        this.#overuses = 0;
        this.#usage = 'overusing';
      }
    } else {
      this.#overuseMs = -1;
      this.#overuses = 0;
      this.#usage = this.#modified < -this.#threshold ? 'underusing' : 'normal';
    }
    this.#previousSlope = this.#slope;
    this.#adapt(arrivedMs);
  }

  #adapt(arrivedMs: number): void {
    const elapsedMs = Math.min(arrivedMs - (this.#adaptedMs ?? arrivedMs), STEP_MAX_MS);
    this.#adaptedMs = arrivedMs;
    const size = Math.abs(this.#modified);
    if (size > this.#threshold + OUTLIER) return;
    const gain = size < this.#threshold ? THRESHOLD_DOWN : THRESHOLD_UP;
    const adapted = this.#threshold + gain * (size - this.#threshold) * elapsedMs;
    this.#threshold = Math.min(Math.max(adapted, THRESHOLD_MIN), THRESHOLD_MAX);
  }
}

/** Least squares; undefined when all points share one instant. */
function slopeOf(points: readonly { x: number; y: number }[]): number | undefined {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const above = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const below = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return below === 0 ? undefined : above / below;
}
