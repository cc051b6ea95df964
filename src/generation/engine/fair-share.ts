/**
 * Compute time of each user, divided by the user's weight: start-time fair queueing (Goyal, Vin, Cheng 1996). The
 * virtual clock is the service of the least served user who waits. A user who comes back after a rest starts from it,
 * so rest earns no credit. Pure.
 */

/** Most users remembered; forgetting one loses only their lead over others. */
const USERS_MAX = 1_024;

export class FairShare {
  /** In order of last charge, oldest first. */
  readonly #servedMs = new Map<string, number>();
  #clockMs = 0;

  /** Weighted ms; never behind the virtual clock. */
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

  /** Advances the virtual clock to the least served of those who want service now. */
  advance(leastServedMs: number): void {
    if (Number.isFinite(leastServedMs)) this.#clockMs = Math.max(this.#clockMs, leastServedMs);
  }
}
