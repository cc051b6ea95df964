/** A sum over the last second, in steps of a tenth: bits or frames a second without keeping every event. */
const STEP_US = 100_000;
/** Ten whole tenths, and the present one, which does not count yet: a part of it would read as a lower rate. */
const STEPS = 11;

export class RateMeter {
  readonly #sums = new Float64Array(STEPS);
  #step = 0;

  add(amount: number, nowUs: number): void {
    this.#advance(nowUs);
    this.#sums[this.#step % STEPS]! += amount;
  }

  /** Over the last ten whole tenths of a second. */
  perSecond(nowUs: number): number {
    this.#advance(nowUs);
    const present = this.#sums[this.#step % STEPS]!;
    let sum = 0;
    // Asked for at every packet: `reduce` is garbage with every step.
    for (let index = 0; index < STEPS; index++) sum += this.#sums[index]!;
    return sum - present;
  }

  #advance(nowUs: number): void {
    const step = Math.floor(nowUs / STEP_US);
    const from = Math.max(this.#step + 1, step - STEPS + 1);
    for (let passed = from; passed <= step; passed++) this.#sums[passed % STEPS] = 0;
    this.#step = Math.max(this.#step, step);
  }
}
