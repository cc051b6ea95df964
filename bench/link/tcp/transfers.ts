/** What a TCP flow has to send: without end, or files with pauses between them, as a browser loading pages (RFC 8867 5.7). */
export interface TransferPlan {
  /** File sizes are uniform between these. */
  minBytes: number;
  maxBytes: number;
  /** Mean of the exponentially distributed pause between two files. */
  idleMeanMs: number;
}

export class Transfers {
  readonly #plan: TransferPlan | undefined;
  readonly #random: () => number;
  #leftBytes: number;

  /** @param plan undefined: one transfer that never ends. */
  constructor(plan: TransferPlan | undefined, random: () => number) {
    this.#plan = plan;
    this.#random = random;
    this.#leftBytes = plan ? 0 : Infinity;
  }

  get leftBytes(): number {
    return this.#leftBytes;
  }

  take(bytes: number): void {
    this.#leftBytes = Math.max(0, this.#leftBytes - bytes);
  }

  begin(): void {
    if (!this.#plan) return;
    const { minBytes, maxBytes } = this.#plan;
    this.#leftBytes = minBytes + this.#random() * (maxBytes - minBytes);
  }

  /** Until the next file; 0 for a transfer without end. */
  pauseUs(): number {
    return this.#plan ? -Math.log(1 - this.#random()) * this.#plan.idleMeanMs * 1_000 : 0;
  }
}
