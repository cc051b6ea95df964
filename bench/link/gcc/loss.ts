/**
 * The baseline's loss-based bound, as libwebrtc's `LossBasedBweV2` with its default configuration: among a few candidate
 * bandwidths, each with its best inherent loss, takes the one under which the observed losses are most likely, with a
 * preference for higher ones while losses are few.
 */
import { LossObservations } from './loss-observations.ts';

const FACTORS = [1.02, 1, 0.95];
const INHERENT_START = 0.01;
const INHERENT_MIN = 1e-3;
/** Upper bound of inherent loss: this much, and more at low rates. */
const INHERENT_OFFSET = 0.05;
const INHERENT_BALANCE_BPS = 75_000;
const NEWTON_STEP = 0.75;
const BIAS_LINEAR = 0.0002;
const BIAS_LOGARITHMIC = 0.02;
const BIAS_LOSS = 0.15;
const BIAS_SMOOTHING = 0.002;
const INSTANT_OFFSET = 0.05;
const INSTANT_BALANCE_BPS = 75_000;
/** Growth within a window after losses limited us. */
const INCREASE_MAX = 1.3;
const INCREASE_WINDOW_US = 300_000;
const MIN_BPS = 5_000;

interface Candidate {
  bps: number;
  inherent: number;
}

export class GccLoss {
  readonly #observations = new LossObservations();
  #best: Candidate = { bps: Infinity, inherent: INHERENT_START };
  #limited = false;
  #windowUs = -Infinity;
  #windowLimitBps = Infinity;

  /** Infinity while delay alone limits. */
  get boundBps(): number {
    return this.#limited ? this.#best.bps : Infinity;
  }

  get ratio(): number {
    return this.#observations.averageLoss;
  }

  add(sentUs: number, sizeBytes: number, lost: boolean): void {
    this.#observations.add(sentUs, sizeBytes, lost);
  }

  /** Call after each feedback. @param delayBps what delay allows. @param throughputBps what arrives. */
  update(delayBps: number, throughputBps: number | undefined, nowUs: number): void {
    if (!this.#observations.close()) {
      this.#limited &&= this.#best.bps < delayBps;
      return;
    }
    if (this.#best.bps === Infinity) this.#best = { ...this.#best, bps: delayBps };
    const next = this.#choose(delayBps, throughputBps);
    const lossy = this.ratio > next.inherent;
    if (lossy && next.bps > this.#best.bps) next.bps = this.#best.bps;
    if (this.#limited) this.#bound(next, nowUs);
    next.bps = Math.max(Math.min(next.bps, this.#instantBps), MIN_BPS);
    this.#limited = next.bps < delayBps;
    if (!this.#limited) next.bps = delayBps;
    this.#best = next;
  }

  #bound(next: Candidate, nowUs: number): void {
    if (nowUs - this.#windowUs > INCREASE_WINDOW_US) {
      this.#windowUs = nowUs;
      this.#windowLimitBps = this.#best.bps * INCREASE_MAX;
    }
    next.bps = Math.min(next.bps, this.#windowLimitBps);
  }

  #choose(delayBps: number, throughputBps: number | undefined): Candidate {
    const rates = FACTORS.map((factor) => this.#best.bps * factor);
    if (throughputBps !== undefined) rates.push(throughputBps);
    if (delayBps > this.#best.bps) rates.push(delayBps);
    let best: Candidate & { objective: number } = { ...this.#best, objective: -Infinity };
    for (const bps of rates) {
      const inherent = this.#newton({ bps, inherent: this.#best.inherent });
      const objective = this.#observations.likelihood(bps, inherent) + this.#observations.weight * this.#bias(bps);
      if (objective > best.objective) best = { bps, inherent, objective };
    }
    return { bps: best.bps, inherent: best.inherent };
  }

  #newton({ bps, inherent }: Candidate): number {
    const { first, second } = this.#observations.derivatives(bps, inherent);
    const moved = inherent - (NEWTON_STEP * first) / second;
    const most = Math.min(INHERENT_OFFSET + INHERENT_BALANCE_BPS / bps, 1);
    return Math.min(Math.max(moved, INHERENT_MIN), most);
  }

  #bias(bps: number): number {
    const kbps = bps / 1_000;
    const distance = BIAS_LOSS - this.ratio;
    const share = distance / (BIAS_SMOOTHING + Math.abs(distance));
    return share * (BIAS_LINEAR * kbps + BIAS_LOGARITHMIC * Math.log(1 + kbps));
  }

  /** At high loss no fit is trusted. */
  get #instantBps(): number {
    return this.ratio > INSTANT_OFFSET ? INSTANT_BALANCE_BPS / (this.ratio - INSTANT_OFFSET) : Infinity;
  }
}
