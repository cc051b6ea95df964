/**
 * Limits the work that one peer can cause per second: a token bucket on the caller's clock. Input above the limit is
 * dropped and counted; an honest peer sees this as loss. Pure.
 */
export interface BudgetRate {
  perSecond: number;
  /** Most that can be taken at once. */
  burst: number;
}

export class Budget {
  readonly #rate: BudgetRate;
  #left: number;
  #atUs: number | undefined;

  constructor(rate: BudgetRate) {
    this.#rate = rate;
    this.#left = rate.burst;
  }

  /** Takes `cost` if that much is left; otherwise takes nothing and returns false. */
  take(cost: number, nowUs: number): boolean {
    const { perSecond, burst } = this.#rate;
    const elapsedUs = Math.max(0, nowUs - (this.#atUs ?? nowUs));
    this.#atUs = nowUs;
    this.#left = Math.min(burst, this.#left + (elapsedUs * perSecond) / 1_000_000);
    if (cost > this.#left) return false;
    this.#left -= cost;
    return true;
  }
}
