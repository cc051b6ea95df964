/**
 * What an encoder that was just opened leaves of its rate, handed back to it: libvpx starts from a guess of what a
 * quantiser costs, and at twelve frames a second spends half of the first second's bits. That is the second in which a
 * viewer judges the picture (+0.4 to 0.8 dB over it). Later libvpx keeps its rate by itself. Pure.
 */

/** The encoder has settled after this much media time. */
const OPENING_S = 1.5;
const GAIN_PER_S = 2;
/** A frame never costs more than this over its share: one that a path queues is worth less than one that is coarse. */
const FACTOR_MAX = 1.6;
const CREDIT_MAX_S = 0.3;

export class OpeningCredit {
  #creditS = 0;
  #elapsedS = 0;

  /** What the rate of the next frame is to be multiplied with, 1 to 1.6. */
  get factor(): number {
    if (this.#elapsedS >= OPENING_S) return 1;
    return Math.min(Math.max(1 + GAIN_PER_S * this.#creditS, 1), FACTOR_MAX);
  }

  /** Tells what a frame did cost that stays for `durationMs` at `bitrateBps`, the rate without the factor. */
  spent(bytes: number, { bitrateBps, durationMs }: { bitrateBps: number; durationMs: number }): void {
    this.#elapsedS += durationMs / 1_000;
    this.#creditS = Math.min(this.#creditS + durationMs / 1_000 - (bytes * 8) / bitrateBps, CREDIT_MAX_S);
  }
}
