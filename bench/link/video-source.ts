/**
 * An encoder's output as far as the network can feel it: sizes. Content is rich enough to fill any target, as RFC 8867
 * section 4.3 asks; frames scatter around their budget and over- or undershoot it for seconds, keyframes cost several
 * deltas and are saved up for afterwards by the production bit budget.
 */
import type { AccessUnit } from '../../src/media/encode/encoder.ts';
import { BitBudget } from '../../src/media/encode/bit-budget.ts';

/** Sizes of single frames: standard deviation of the logarithm. */
const FRAME_SCATTER = 0.15;
/** The encoder's slow error: its standard deviation, and how much of it a frame takes over from the one before. */
const DRIFT = 0.05;
const DRIFT_KEPT = 0.98;
/** A keyframe costs as much as so many deltas. */
const KEYFRAME_COST = 4;
const FRAME_MIN_BYTES = 60;

export interface FrameOptions {
  bitrateBps: number;
  fps: number;
  keyframe: boolean;
}

export class VideoSource {
  readonly #random: () => number;
  readonly #budget = new BitBudget();
  #drift = 0;

  /** @param random uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  encode({ bitrateBps, fps, keyframe }: FrameOptions): AccessUnit {
    this.#drift = DRIFT_KEPT * this.#drift + Math.sqrt(1 - DRIFT_KEPT ** 2) * DRIFT * this.#gaussian();
    const scatter = Math.exp(FRAME_SCATTER * this.#gaussian() - FRAME_SCATTER ** 2 / 2);
    const bits = this.#budget.next(bitrateBps, 1_000 / fps) * scatter * (keyframe ? KEYFRAME_COST : 1);
    const bytes = Math.max(Math.round(bits / 8), FRAME_MIN_BYTES);
    // What is not corrected for is the drift: the budget believes the frame cost less, or more, than it did.
    this.#budget.spent(bytes);
    const data = new Uint8Array(Math.max(Math.round(bytes * (1 + this.#drift)), FRAME_MIN_BYTES));
    data[0] = keyframe ? 0 : 1;
    return { data, keyframe, widthPx: 16, heightPx: 16, encodeMs: 0 };
  }

  #gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }
}
