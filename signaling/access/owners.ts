/**
 * The owner of each session, and until when it may live: a session ends a fixed grace after its token's `exp`, unless
 * its viewer has presented a newer token by any request. Pure except that it ends sessions; time is an argument.
 */
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import type { Identity } from './identity.ts';
import { unauthorized } from './tokens.ts';

/** End reason of sessions and sockets that outlived their token. */
export const TOKEN_EXPIRED = 'token-expired';

/** End reason of a session replaced by the same user's newer one, as the registry reports it. */
export const PLACE_TAKEN = 'place-taken';

interface Owned {
  identity: Identity;
  session: Pick<Session, 'close'>;
  /** Frees its place among the user's sessions. Idempotent. */
  release: () => void;
  /** Its viewer's socket is gone, and no client has resumed it. */
  left: boolean;
  /** The newest `exp` presented, Unix time in seconds. */
  expiresAt: number;
}

/** Whether the token of an open connection has expired, within the allowed clock skew. */
export const hasExpired = ({ claims }: Identity, nowSeconds: number): boolean =>
  claims !== undefined && claims.exp + LIMITS.tokenClockToleranceSeconds <= nowSeconds;

/** @throws GlimpseError UNAUTHORIZED */
export function requireFresh(identity: Identity, nowSeconds: number): void {
  if (hasExpired(identity, nowSeconds)) throw unauthorized('it has expired');
}

export class SessionOwners {
  readonly #owned = new Map<string, Owned>();

  add(session: Pick<Session, 'id' | 'close'>, identity: Identity, release: () => void): void {
    const expiresAt = identity.claims?.exp ?? Infinity;
    this.#owned.set(session.id, { identity, session, release, left: false, expiresAt });
  }

  /** Records whether the viewer of a session has a socket. */
  setLeft(sessionId: string, left: boolean): void {
    const owned = this.#owned.get(sessionId);
    if (!owned) return;
    owned.left = left;
    // Ordered by departure, earliest first.
    if (left) this.#owned.delete(sessionId);
    this.#owned.set(sessionId, owned);
  }

  /** Number of sessions of this user or address whose viewer has left. */
  leftBy(key: string): number {
    return [...this.#owned.values()].filter((owned) => owned.left && owned.identity.key === key).length;
  }

  /** Ends the session that has waited longest; its place is free at once. */
  endLeft(key: string): void {
    const owned = [...this.#owned.values()].find(({ left, identity }) => left && identity.key === key);
    if (!owned) return;
    owned.left = false;
    owned.release();
    owned.session.close(PLACE_TAKEN).catch(() => {});
  }

  remove(sessionId: string): void {
    this.#owned.delete(sessionId);
  }

  /** Undefined after the session's end. */
  of(sessionId: string): Identity | undefined {
    return this.#owned.get(sessionId)?.identity;
  }

  /**
   * Checks that this client may use the session. Where there are tokens, knowing the id is not enough.
   * @throws GlimpseError FORBIDDEN
   */
  require({ key, claims }: Identity, sessionId: string): void {
    if (claims === undefined) return;
    const owned = this.#owned.get(sessionId);
    const { glimpse_sid: only } = claims;
    // No owner: there is no such session, and the session lookup reports it.
    const may = only === undefined ? owned === undefined || owned.identity.key === key : only === sessionId;
    if (!may) throw new GlimpseError('FORBIDDEN', { message: 'The session belongs to another token.' });
    if (owned) owned.expiresAt = Math.max(owned.expiresAt, claims.exp);
  }

  /** Call periodically. */
  endExpired(nowSeconds: number): void {
    const graceSeconds = LIMITS.tokenExpiredGraceMs / 1_000;
    for (const { session, expiresAt } of this.#owned.values())
      if (expiresAt + graceSeconds <= nowSeconds) session.close(TOKEN_EXPIRED).catch(() => {});
  }
}
