/** The baseline's answer to silence, as libwebrtc's `RttBasedBackoff`: from three seconds on, a fifth less every second. */
const LIMIT_US = 3_000_000;
const INTERVAL_US = 1_000_000;
const FACTOR = 0.8;

export class Silence {
  #heardUs: number | undefined;
  #sentUs: number | undefined;
  #cutUs = -Infinity;

  onSent(nowUs: number): void {
    this.#heardUs ??= nowUs;
    this.#sentUs = nowUs;
  }

  onFeedback(nowUs: number): void {
    this.#heardUs = nowUs;
  }

  /** @returns by how much to scale the target now; 1: not at all. */
  factor(nowUs: number): number {
    if (!this.lasts || nowUs - this.#cutUs < INTERVAL_US) return 1;
    this.#cutUs = nowUs;
    return FACTOR;
  }

  /** True while what was sent has gone unanswered for too long. */
  get lasts(): boolean {
    return this.#sentUs !== undefined && this.#heardUs !== undefined && this.#sentUs - this.#heardUs > LIMIT_US;
  }
}
