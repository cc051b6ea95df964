/**
 * Bit budget of the next x264 frame. x264 tuned for zero latency counts frames instead of time and takes seconds to
 * follow a changed rate, above all upwards. So each frame gets a budget in bits from a small integral loop over the
 * output sizes. (libvpx needs no such loop: it follows within a few per cent.)
 */

/** Largest credit, in seconds of the current rate. */
const CREDIT_MAX_S = 0.2;
/** Largest debt: more, since one keyframe can cost a quarter of a second. */
const DEBT_MAX_S = 0.3;
/** Share of the credit or debt settled per second. */
const GAIN_PER_S = 4;
/** Smallest share of its bits that a frame gets in debt, so that the picture keeps moving. */
const SHARE_MIN = 0.4;
/** A frame below this share of its budget was easy; its credit would end in a burst. */
const EASY_SHARE = 0.33;
/** Share of the credit kept after each easy frame. */
const EASY_CREDIT_KEPT = 0.8;

export class BitBudget {
  #creditS = 0;
  #bitrateBps = 0;
  #budgetBits = 0;

  /** Bits for a frame shown for `durationMs` at `bitrateBps`. */
  next(bitrateBps: number, durationMs: number): number {
    const durationS = durationMs / 1000;
    const share = Math.max(SHARE_MIN, 1 + GAIN_PER_S * this.#creditS);
    this.#bitrateBps = bitrateBps;
    this.#budgetBits = bitrateBps * durationS * share;
    this.#settle(durationS);
    return this.#budgetBits;
  }

  /** Records what that frame cost. */
  spent(bytes: number): void {
    const bits = bytes * 8;
    this.#settle(-bits / this.#bitrateBps);
    if (this.#creditS > 0 && bits < this.#budgetBits * EASY_SHARE) this.#creditS *= EASY_CREDIT_KEPT;
  }

  #settle(seconds: number): void {
    this.#creditS = Math.min(CREDIT_MAX_S, Math.max(-DEBT_MAX_S, this.#creditS + seconds));
  }
}
