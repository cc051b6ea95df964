/** A sum over the last second, in steps of a tenth: bits or frames a second without keeping every event. */
const STEP_US = 100_000;
const STEPS = 10;

export class RateMeter {
  readonly #sums = new Float64Array(STEPS);
  #step = 0;

  add(amount: number, nowUs: number): void {
    this.#advance(nowUs);
    this.#sums[this.#step % STEPS]! += amount;
  }

  /** Over the second that ends now, the present tenth included. */
  perSecond(nowUs: number): number {
    this.#advance(nowUs);
    return this.#sums.reduce((sum, amount) => sum + amount, 0);
  }

  #advance(nowUs: number): void {
    const step = Math.floor(nowUs / STEP_US);
    const from = Math.max(this.#step + 1, step - STEPS + 1);
    for (let passed = from; passed <= step; passed++) this.#sums[passed % STEPS] = 0;
    this.#step = Math.max(this.#step, step);
  }
}
