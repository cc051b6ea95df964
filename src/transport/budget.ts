/**
 * What one peer may cost in a second: a token bucket on the caller's clock. Past it, input is left out and counted; to an
 * honest peer that looks like loss. Pure.
 */
export interface BudgetRate {
  perSecond: number;
  /** Taken at once at most. */
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

  /** Takes `cost` when that much is left; false takes nothing. */
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
