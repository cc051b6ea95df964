/**
 * Who was heard lately. A node is gone when three beats in a row are missing. Pure: `nowUs` is the receiver's own clock,
 * so clocks of two machines need not agree.
 */
export const BEAT_MS = 250;
/** Three beats, and half a beat for the way. */
export const GONE_AFTER_MS = 3.5 * BEAT_MS;

export class Presence {
  readonly #seenUs = new Map<string, number>();
  readonly #goneAfterUs: number;
  #sweptUs: number | undefined;

  constructor(goneAfterMs: number = GONE_AFTER_MS) {
    this.#goneAfterUs = goneAfterMs * 1_000;
  }

  get size(): number {
    return this.#seenUs.size;
  }

  has(id: string): boolean {
    return this.#seenUs.has(id);
  }

  see(id: string, nowUs: number): void {
    this.#seenUs.set(id, nowUs);
    this.#sweptUs ??= nowUs;
  }

  forget(id: string): void {
    this.#seenUs.delete(id);
  }

  /**
   * Removes who is gone. Call it twice a beat. If this process itself stood still in the meantime, beats may wait in its
   * sockets: everyone then gets that time on top.
   * @returns ids of those gone
   */
  sweep(nowUs: number): string[] {
    const pausedUs = this.#sweptUs === undefined ? 0 : nowUs - this.#sweptUs - BEAT_MS * 1_000;
    this.#sweptUs = nowUs;
    if (pausedUs > 0) for (const [id, seenUs] of this.#seenUs) this.#seenUs.set(id, seenUs + pausedUs);
    const gone = [...this.#seenUs].filter(([, seenUs]) => nowUs - seenUs > this.#goneAfterUs).map(([id]) => id);
    for (const id of gone) this.#seenUs.delete(id);
    return gone;
  }

  /** The network is back after an outage in which none could be heard: the count of missing beats begins again. */
  restart(nowUs: number): void {
    this.#sweptUs = nowUs;
    for (const id of this.#seenUs.keys()) this.#seenUs.set(id, nowUs);
  }
}
