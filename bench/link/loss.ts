/**
 * Loss that does not depend on load: independent (Bernoulli), and in bursts (the two-state chain of Gilbert 1960 and
 * Elliott 1963, in which packets are lost only, or mostly, in the bad state).
 */
export interface BurstLoss {
  /** Chance, per packet, of going from good to bad. */
  enterRatio: number;
  /** Chance, per packet, of going from bad to good: bursts last 1 / leaveRatio packets on average. */
  leaveRatio: number;
  /** Loss in the bad state. */
  lossRatio: number;
}

export class LossProcess {
  readonly #ratio: number;
  readonly #burst: BurstLoss | undefined;
  readonly #random: () => number;
  #bad = false;

  /** @param ratio of the good state, 0…1. @param random uniform in [0, 1). */
  constructor(ratio: number, burst: BurstLoss | undefined, random: () => number) {
    this.#ratio = ratio;
    this.#burst = burst;
    this.#random = random;
  }

  /** Decides the fate of the next packet. */
  loses(): boolean {
    if (this.#burst) {
      const { enterRatio, leaveRatio } = this.#burst;
      if (this.#random() < (this.#bad ? leaveRatio : enterRatio)) this.#bad = !this.#bad;
    }
    const ratio = this.#bad && this.#burst ? this.#burst.lossRatio : this.#ratio;
    return this.#random() < ratio;
  }
}
