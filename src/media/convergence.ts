/**
 * Still pictures: after a change, spare rate improves the quality frame by frame until the encoder has nothing to add;
 * then one repeat a second keeps the stream alive. A newer picture is always sent and starts over. The size of the
 * output shows the end: an encoder at its best quality spends far less than it may (VP8 at 256×256 gets there after 1.3
 * s at 200 kbps, after 0.3 s at 1 Mbps).
 */

/** A refinement below this share of the allowed bits had little to add. */
const SPENT_SHARE_MIN = 0.5;
/** Number of small frames in a row, since rate control also holds back after a large frame. */
const SMALL_IN_A_ROW = 4;
/** Limit for x264, which keeps spending on invisible differences. */
const REFINE_MAX_US = 2_000_000;
const REPEAT_US = 1_000_000;

/** One viewer's still-picture state. Time is an argument. */
export class StillPicture {
  #changedUs = -Infinity;
  #sentUs = -Infinity;
  #bitrateBps = 0;
  #smallInARow = 0;
  #changing = false;
  #converged = false;

  /**
   * Whether to encode and send now.
   * `fresh`: the picture differs from the one sent last. `bitrateBps`: what the encoder may spend.
   */
  wants({ fresh, nowUs, bitrateBps }: { fresh: boolean; nowUs: number; bitrateBps: number }): boolean {
    this.#bitrateBps = bitrateBps;
    this.#changing = fresh;
    if (fresh) {
      this.#changedUs = nowUs;
      this.#smallInARow = 0;
      this.#converged = false;
      return true;
    }
    this.#converged = this.#smallInARow >= SMALL_IN_A_ROW || nowUs - this.#changedUs > REFINE_MAX_US;
    return !this.#converged || nowUs - this.#sentUs >= REPEAT_US;
  }

  /** When the still picture may be sent again, at one frame per `frameUs`. */
  nextUs(frameUs: number): number {
    return this.#sentUs + (this.#converged ? REPEAT_US : frameUs);
  }

  /** Records what was sent after `wants`. */
  onSent({ bytes, nowUs }: { bytes: number; nowUs: number }): void {
    const allowedBits = (this.#bitrateBps * (nowUs - this.#sentUs)) / 1e6;
    const small = !this.#changing && bytes * 8 < allowedBits * SPENT_SHARE_MIN;
    this.#smallInARow = small ? this.#smallInARow + 1 : 0;
    this.#sentUs = nowUs;
  }
}
