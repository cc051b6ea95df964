/** What the baseline remembers of the link from its overuses, as libwebrtc's `LinkCapacityEstimator`. In kbps, as there. */
const WEIGHT = 0.05;
/** Of the normalised variance. */
const DEVIATION_MIN = 0.4;
const DEVIATION_MAX = 2.5;
const SIGMAS = 3;

export class GccLinkCapacity {
  #kbps: number | undefined;
  #deviation = DEVIATION_MIN;

  get bps(): number | undefined {
    return this.#kbps === undefined ? undefined : this.#kbps * 1_000;
  }

  get upperBps(): number {
    return this.#kbps === undefined ? Infinity : (this.#kbps + SIGMAS * this.#sigmaKbps) * 1_000;
  }

  get lowerBps(): number {
    return this.#kbps === undefined ? 0 : Math.max(0, this.#kbps - SIGMAS * this.#sigmaKbps) * 1_000;
  }

  onOveruse(bps: number): void {
    const sampleKbps = bps / 1_000;
    this.#kbps = this.#kbps === undefined ? sampleKbps : (1 - WEIGHT) * this.#kbps + WEIGHT * sampleKbps;
    const error = this.#kbps - sampleKbps;
    const deviation = (1 - WEIGHT) * this.#deviation + (WEIGHT * error * error) / Math.max(this.#kbps, 1);
    this.#deviation = Math.min(Math.max(deviation, DEVIATION_MIN), DEVIATION_MAX);
  }

  reset(): void {
    this.#kbps = undefined;
  }

  get #sigmaKbps(): number {
    return Math.sqrt(this.#deviation * (this.#kbps ?? 0));
  }
}
