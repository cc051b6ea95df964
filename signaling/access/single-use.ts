/** Which single-use tokens have created their session. Each is remembered until it expires. */
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

  /** @throws GlimpseError UNAUTHORIZED when it was used before, RATE_LIMITED when the store is full */
  use(jti: string, expiresAt: number): void {
    if (this.#used.has(jti)) throw unauthorized('it was for one use and has been used');
    if (this.#used.size >= this.#max) throw new GlimpseError('RATE_LIMITED', { retryAfterMs: 60_000 });
    this.#used.set(jti, expiresAt + LIMITS.tokenClockToleranceSeconds);
  }

  /** The session was not created: the token counts as unused. */
  giveBack(jti: string): void {
    this.#used.delete(jti);
  }

  forgetExpired(nowSeconds: number): void {
    for (const [jti, expiresAt] of this.#used) if (expiresAt < nowSeconds) this.#used.delete(jti);
  }
}
