/** A sum over the last second in steps of 100 ms: bits or frames per second without storing each event. */
const STEP_US = 100_000;
/** Ten whole steps and the current one, which does not count yet: a partial step would lower the rate. */
const STEPS = 11;

export class RateMeter {
  readonly #sums = new Float64Array(STEPS);
  #step = 0;

  add(amount: number, nowUs: number): void {
    this.#advance(nowUs);
    this.#sums[this.#step % STEPS]! += amount;
  }

  /** Sum over the last ten whole steps. */
  perSecond(nowUs: number): number {
    this.#advance(nowUs);
    const present = this.#sums[this.#step % STEPS]!;
    let sum = 0;
    // Called for every packet: an index loop, because `reduce` allocates.
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
