/**
 * A sliding window over packet indices (RFC 3711 section 3.3.2): each index passes once, in any order within the
 * window. Inbound it drops replayed SRTCP; outbound it prevents that two packets use one SRTP nonce. Pure.
 */
export class ReplayWindow {
  readonly #size: number;
  readonly #seen: Uint8Array;
  #highest = -1;

  /** @param size indices below the highest that may still arrive */
  constructor(size: number) {
    this.#size = size;
    this.#seen = new Uint8Array(size);
  }

  /** Highest index accepted so far; -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** True when `index` is new and inside the window. Does not record it. */
  admits(index: number): boolean {
    if (index < 0) return false;
    if (index > this.#highest) return true;
    return this.#highest - index < this.#size && this.#seen[index % this.#size] === 0;
  }

  /** Records `index`; false when it is a repeat or too old. */
  accept(index: number): boolean {
    if (!this.admits(index)) return false;
    if (index > this.#highest) {
      if (index - this.#highest >= this.#size) this.#seen.fill(0);
      else for (let skipped = this.#highest + 1; skipped < index; skipped += 1) this.#seen[skipped % this.#size] = 0;
      this.#highest = index;
    }
    this.#seen[index % this.#size] = 1;
    return true;
  }
}
