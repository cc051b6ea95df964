/**
 * Loss beside a queue that stands is nobody's nature: the queue overflows. Where delay has no say (others keep the queue
 * filled, or it is taken for the path's length), a share of the loss is taken off the rate, as in GCC's first loss rule.
 */
const STANDING_MS = 50;
const LOSS_MIN = 0.1;
const CUT = 0.5;
const INTERVAL_MS = 300;

export class StandingLoss {
  #cutAtUs = -Infinity;

  /** @returns what of the rate is kept; undefined for all of it. At most once a round trip and 300 ms. */
  keep(lossRatio: number, standingMs: number, { nowUs, rttMs }: { nowUs: number; rttMs: number }): number | undefined {
    if (lossRatio <= LOSS_MIN || standingMs <= STANDING_MS) return undefined;
    if (nowUs - this.#cutAtUs <= (INTERVAL_MS + rttMs) * 1_000) return undefined;
    this.#cutAtUs = nowUs;
    return 1 - CUT * lossRatio;
  }
}
