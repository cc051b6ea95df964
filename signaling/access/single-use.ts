/** Which single-use tokens have made their session. Remembers each until it expires, then forgets it. */
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { unauthorized } from './tokens.ts';

export class SingleUseTokens {
  /** jti → Unix time at which it expires, seconds. */
  readonly #used = new Map<string, number>();
  readonly #max: number;

  constructor(max: number = LIMITS.singleUseTokensMax) {
    this.#max = max;
  }

  get size(): number {
    return this.#used.size;
  }

  /** @throws GlimpseError UNAUTHORIZED when it was used before, RATE_LIMITED when no more can be remembered */
  use(jti: string, expiresAt: number): void {
    if (this.#used.has(jti)) throw unauthorized('it was for one use and has been used');
    if (this.#used.size >= this.#max) throw new GlimpseError('RATE_LIMITED', { retryAfterMs: 60_000 });
    this.#used.set(jti, expiresAt + LIMITS.tokenClockToleranceSeconds);
  }

  /** What it was used for did not come about. */
  giveBack(jti: string): void {
    this.#used.delete(jti);
  }

  forgetExpired(nowSeconds: number): void {
    for (const [jti, expiresAt] of this.#used) if (expiresAt < nowSeconds) this.#used.delete(jti);
  }
}
