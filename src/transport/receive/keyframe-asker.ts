/**
 * When to ask the sender for a keyframe (PLI, RFC 4585 section 6.3.1; FIR, RFC 5104 section 4.3.1): at once, then ever
 * less often while none comes, so that a camera that sends one frame a minute is not flooded. Pure.
 */
const FIRST_WAIT_US = 300_000;
const WAIT_MAX_US = 4_000_000;

export class KeyframeAsker {
  #waitUs = FIRST_WAIT_US;
  #dueUs: number | undefined;
  #askedUs = -Infinity;

  /** Earliest time at which `take` is true. */
  get nextUs(): number {
    return this.#dueUs ?? Infinity;
  }

  /** Without a keyframe nothing more can be decoded. */
  need(nowUs: number): void {
    this.#dueUs ??= Math.max(nowUs, this.#askedUs + FIRST_WAIT_US);
  }

  /** A keyframe has come. */
  satisfied(): void {
    this.#dueUs = undefined;
    this.#waitUs = FIRST_WAIT_US;
  }

  take(nowUs: number): boolean {
    if (this.#dueUs === undefined || nowUs < this.#dueUs) return false;
    this.#askedUs = nowUs;
    this.#dueUs = nowUs + this.#waitUs;
    this.#waitUs = Math.min(this.#waitUs * 2, WAIT_MAX_US);
    return true;
  }
}
