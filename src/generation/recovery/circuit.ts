/**
 * A circuit breaker (Nygard, "Release It!"). After several failures in a row a backend gets no calls for a while, so
 * that it can recover and callers do not wait in vain. Then one call probes it; during the probe the others are still
 * refused. Pure: time is an argument.
 */

/** Failed calls in a row that open it; each has been retried for over a second. */
const FAILURES_TO_OPEN = 3;
/** How long it stays open; doubles with every failed probe, up to `most` where the backend sets no other. */
const OPEN_US = { first: 2e6, most: 60e6 };

export const CIRCUIT_STATES = ['closed', 'half-open', 'open'] as const;
export type CircuitState = (typeof CIRCUIT_STATES)[number];

export class Circuit {
  readonly #mostUs: number;
  #failures = 0;
  #openUs = OPEN_US.first;
  #openUntilUs: number | undefined;
  #probing = false;

  /** `mostUs`: longest time that it stays open after a failed probe. */
  constructor({ mostUs = OPEN_US.most }: { mostUs?: number | undefined } = {}) {
    this.#mostUs = mostUs;
  }

  state(nowUs: number): CircuitState {
    if (this.#openUntilUs === undefined) return 'closed';
    return nowUs < this.#openUntilUs || this.#probing ? 'open' : 'half-open';
  }

  /** How long a refused caller should wait, ms; 0 when it would not be refused. */
  retryAfterMs(nowUs: number): number {
    if (this.state(nowUs) !== 'open') return 0;
    // During a probe the wait is not known; a probe takes about as long as a slice.
    return Math.max(250, Math.ceil(((this.#openUntilUs ?? nowUs) - nowUs) / 1000));
  }

  /** Asks to call. When half-open, the first caller is the probe and must report how it ended. */
  enter(nowUs: number): 'call' | 'probe' | 'refused' {
    const state = this.state(nowUs);
    if (state === 'open') return 'refused';
    if (state === 'closed') return 'call';
    this.#probing = true;
    return 'probe';
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUs = OPEN_US.first;
    this.#openUntilUs = undefined;
    this.#probing = false;
  }

  /** A call failed after all its retries. */
  failed(nowUs: number, wasProbe = false): void {
    this.#failures += 1;
    if (wasProbe) this.#probing = false;
    if (wasProbe) this.#openUs = Math.min(this.#openUs * 2, this.#mostUs);
    if (wasProbe || this.#failures >= FAILURES_TO_OPEN) this.#openUntilUs = nowUs + this.#openUs;
  }

  /** The probe's caller left, so it says nothing about the backend. */
  abandoned(): void {
    this.#probing = false;
  }
}
