/**
 * Loss with a standing queue means that the queue overflows. Where delay does not control the rate (other flows keep
 * the queue filled, or it counts as path length), the rate is cut by a share of the loss, as in GCC's first loss rule.
 */
const STANDING_MS = 50;
const LOSS_MIN = 0.1;
const CUT = 0.5;
const INTERVAL_MS = 300;

export class StandingLoss {
  #cutAtUs = -Infinity;

  /** @returns the share of the rate to keep; undefined for all of it. Cuts at most once per round trip and 300 ms. */
  keep(lossRatio: number, standingMs: number, { nowUs, rttMs }: { nowUs: number; rttMs: number }): number | undefined {
    if (lossRatio <= LOSS_MIN || standingMs <= STANDING_MS) return undefined;
    if (nowUs - this.#cutAtUs <= (INTERVAL_MS + rttMs) * 1_000) return undefined;
    this.#cutAtUs = nowUs;
    return 1 - CUT * lossRatio;
  }
}
