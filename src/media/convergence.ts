/**
 * Still pictures: after a change the spare rate buys quality, frame by frame, until the encoder has nothing left to add;
 * from then on one repeat a second keeps the stream alive. A newer picture is always wanted and starts over.
 * Whether there is more to add is read from what came out: an encoder that has reached its best quality
 * spends far less than it may (VP8 at 256×256 and 200 kbps is there after 1.3 s, at 1 Mbps after 0.3 s).
 */

/** A refinement below this share of what the rate allowed had little to add. */
const SPENT_SHARE_MIN = 0.5;
/** So many in a row, as rate control also holds back after a large frame. */
const SMALL_IN_A_ROW = 4;
/** x264 keeps spending on differences nobody sees. */
const REFINE_MAX_US = 2_000_000;
const REPEAT_US = 1_000_000;

/** One viewer's still-picture state. Time comes in; nothing is read from a clock. */
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

  /** When the picture that stands may be wanted again, if frames may follow each other every `frameUs`. */
  nextUs(frameUs: number): number {
    return this.#sentUs + (this.#converged ? REPEAT_US : frameUs);
  }

  /** Tells what was sent after `wants`. */
  onSent({ bytes, nowUs }: { bytes: number; nowUs: number }): void {
    const allowedBits = (this.#bitrateBps * (nowUs - this.#sentUs)) / 1e6;
    const small = !this.#changing && bytes * 8 < allowedBits * SPENT_SHARE_MIN;
    this.#smallInARow = small ? this.#smallInARow + 1 : 0;
    this.#sentUs = nowUs;
  }
}
