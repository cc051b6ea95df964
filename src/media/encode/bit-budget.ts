/**
 * What the next x264 frame may cost. x264 tuned for zero latency counts frames instead of time and takes seconds to
 * follow a changed rate, most of all upwards; so the rate is given to it frame by frame, in bits, by a small integral
 * loop on the bytes that came out. (libvpx needs none of this: it obeys within a few per cent.)
 */

/** Bits owed to us, in seconds of the current rate. */
const CREDIT_MAX_S = 0.2;
/** Bits owed by us: more, as one keyframe can cost a quarter of a second. */
const DEBT_MAX_S = 0.3;
/** Share of the credit or debt settled per second. */
const GAIN_PER_S = 4;
/** Debt never takes more than this from a frame: the picture must stay alive. */
const SHARE_MIN = 0.4;
/** A frame that costs less than this share of its budget was easy, not starved; credit from it would end in a burst. */
const EASY_SHARE = 0.33;
/** What is left of the credit after each easy frame. */
const EASY_CREDIT_KEPT = 0.8;

export class BitBudget {
  #creditS = 0;
  #bitrateBps = 0;
  #budgetBits = 0;

  /** Bits for a frame that stays for `durationMs` at `bitrateBps`. */
  next(bitrateBps: number, durationMs: number): number {
    const durationS = durationMs / 1000;
    const share = Math.max(SHARE_MIN, 1 + GAIN_PER_S * this.#creditS);
    this.#bitrateBps = bitrateBps;
    this.#budgetBits = bitrateBps * durationS * share;
    this.#settle(durationS);
    return this.#budgetBits;
  }

  /** Tells what that frame did cost. */
  spent(bytes: number): void {
    const bits = bytes * 8;
    this.#settle(-bits / this.#bitrateBps);
    if (this.#creditS > 0 && bits < this.#budgetBits * EASY_SHARE) this.#creditS *= EASY_CREDIT_KEPT;
  }

  #settle(seconds: number): void {
    this.#creditS = Math.min(CREDIT_MAX_S, Math.max(-DEBT_MAX_S, this.#creditS + seconds));
  }
}
