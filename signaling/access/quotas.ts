/**
 * How many sessions one user or address may create in a minute and hold at once. Creations are counted over fixed
 * minutes by rate-limiter-flexible, in memory: the service is one process.
 */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { GlimpseError } from '../../src/errors.ts';

export interface QuotaSettings {
  creationsPerMinute: number;
  /** Sessions at once; undefined where only the server's total counts. */
  sessionsPerUser?: number | undefined;
}

export interface UserLimits {
  creationsPerMinute?: number | undefined;
  sessions?: number | undefined;
}

/** The end of a session cannot be predicted. */
const SESSION_RETRY_MS = 5_000;

export class Quotas {
  readonly #settings: QuotaSettings;
  readonly #creations: RateLimiterMemory;
  readonly #open = new Map<string, number>();

  constructor(settings: QuotaSettings) {
    this.#settings = settings;
    this.#creations = new RateLimiterMemory({ points: settings.creationsPerMinute, duration: 60 });
  }

  /**
   * Checks without counting, so that a request that must fail is refused before its body is read.
   * @param yielding open sessions that would make room for another
   * @throws as `take`
   */
  async check(key: string, limits: UserLimits = {}, yielding = 0): Promise<void> {
    const found = await this.#creations.get(key);
    if (found && found.consumedPoints >= this.#creationsOf(limits)) throw tooFast(found.msBeforeNext);
    this.#checkOpen(key, limits, yielding);
  }

  /** Whether another open session would be refused. */
  isFull(key: string, { sessions = this.#settings.sessionsPerUser }: UserLimits = {}): boolean {
    return sessions !== undefined && (this.#open.get(key) ?? 0) >= sessions;
  }

  /**
   * Counts one creation and one open session.
   * @returns gives the open session back; idempotent
   * @throws GlimpseError RATE_LIMITED, USER_LIMIT with the time to wait
   */
  async take(key: string, limits: UserLimits = {}): Promise<() => void> {
    const { consumedPoints, msBeforeNext } = await this.#creations.penalty(key);
    if (consumedPoints > this.#creationsOf(limits)) throw tooFast(msBeforeNext);
    this.#checkOpen(key, limits);
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }

  #creationsOf({ creationsPerMinute }: UserLimits): number {
    return creationsPerMinute ?? this.#settings.creationsPerMinute;
  }

  #checkOpen(key: string, { sessions = this.#settings.sessionsPerUser }: UserLimits, yielding = 0): void {
    if (sessions === undefined || (this.#open.get(key) ?? 0) - yielding < sessions) return;
    throw new GlimpseError('USER_LIMIT', { details: { sessions }, retryAfterMs: SESSION_RETRY_MS });
  }
}

function tooFast(msBeforeNext: number): GlimpseError {
  const message = 'Too many sessions were created in this minute.';
  return new GlimpseError('RATE_LIMITED', { message, retryAfterMs: Math.max(1_000, msBeforeNext) });
}
