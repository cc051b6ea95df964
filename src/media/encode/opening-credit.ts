/**
 * Returns unused bits to an encoder that was just opened. libvpx starts with a guess of a quantizer's cost, and at
 * twelve frames a second spends half of the first second's bits. In that second a viewer judges the picture (+0.4 to
 * 0.8 dB). Later libvpx keeps its rate by itself. Pure.
 */

/** The encoder has settled after this much media time. */
const OPENING_S = 1.5;
const GAIN_PER_S = 2;
/** Largest factor for a frame: one that queues on the path is worse than a coarse one. */
const FACTOR_MAX = 1.6;
const CREDIT_MAX_S = 0.3;

export class OpeningCredit {
  #creditS = 0;
  #elapsedS = 0;

  /** Factor for the rate of the next frame, 1 to 1.6. */
  get factor(): number {
    if (this.#elapsedS >= OPENING_S) return 1;
    return Math.min(Math.max(1 + GAIN_PER_S * this.#creditS, 1), FACTOR_MAX);
  }

  /** Records the cost of a frame shown for `durationMs` at `bitrateBps`, the rate without the factor. */
  spent(bytes: number, { bitrateBps, durationMs }: { bitrateBps: number; durationMs: number }): void {
    this.#elapsedS += durationMs / 1_000;
    this.#creditS = Math.min(this.#creditS + durationMs / 1_000 - (bytes * 8) / bitrateBps, CREDIT_MAX_S);
  }
}
