/**
 * How much compute time each user has had, divided by his weight: start-time fair queueing (Goyal, Vin, Cheng 1996). The
 * clock of the whole is the service of the user who is served last; a user who comes back after a rest starts from there,
 * so rest is not saved up. Pure.
 */

/** Users who rest are forgotten beyond this many; nothing is lost but what they were ahead. */
const USERS_MAX = 1_024;

export class FairShare {
  /** In order of last charge, oldest first. */
  readonly #servedMs = new Map<string, number>();
  #clockMs = 0;

  /** Weighted ms; never behind the whole. */
  servedMs(user: string): number {
    return Math.max(this.#clockMs, this.#servedMs.get(user) ?? 0);
  }

  /** @param weight share compared with other users'; over 0. */
  charge(user: string, ms: number, weight: number): void {
    const startedAtMs = this.servedMs(user);
    this.#servedMs.delete(user);
    this.#servedMs.set(user, startedAtMs + ms / weight);
    if (this.#servedMs.size > USERS_MAX) this.#servedMs.delete(this.#servedMs.keys().next().value ?? user);
  }

  /** Sets the clock of the whole: the least served of those who want service now. */
  advance(leastServedMs: number): void {
    if (Number.isFinite(leastServedMs)) this.#clockMs = Math.max(this.#clockMs, leastServedMs);
  }
}
