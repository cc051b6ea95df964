/**
 * Whose sessions are whose, and until when: a session ends a stated grace after its token's `exp`, unless its viewer has
 * shown a newer token meanwhile, by whichever request. Pure but for the sessions it ends: time comes in.
 */
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import type { Identity } from './identity.ts';
import { unauthorized } from './tokens.ts';

/** The reason of sessions and sockets that outlived their token. */
export const TOKEN_EXPIRED = 'token-expired';

/** The reason of a session whose place its own user's newer one took, as the registry gives it. */
export const PLACE_TAKEN = 'place-taken';

interface Owned {
  identity: Identity;
  session: Pick<Session, 'close'>;
  /** Gives its place among the user's sessions back. Idempotent. */
  release: () => void;
  /** Its viewer's socket is gone, and nobody has resumed it. */
  left: boolean;
  /** Unix time of the newest `exp` that was shown, seconds. */
  expiresAt: number;
}

/** Whether the token of an open connection has expired, within the tolerance for clocks that differ. */
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

  /** Whether the viewer of a session is there to be told of it. */
  setLeft(sessionId: string, left: boolean): void {
    const owned = this.#owned.get(sessionId);
    if (!owned) return;
    owned.left = left;
    // The longest gone come first.
    if (left) this.#owned.delete(sessionId);
    this.#owned.set(sessionId, owned);
  }

  /** Sessions of this user or address that wait for a viewer who left. */
  leftBy(key: string): number {
    return [...this.#owned.values()].filter((owned) => owned.left && owned.identity.key === key).length;
  }

  /** Ends the one that waits longest; its place is free at once. */
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
   * Whether this client may touch the session. The id alone is not enough where there are tokens.
   * @throws GlimpseError FORBIDDEN
   */
  require({ key, claims }: Identity, sessionId: string): void {
    if (claims === undefined) return;
    const owned = this.#owned.get(sessionId);
    const { glimpse_sid: only } = claims;
    // No owner: there is no such session, and whoever looks for it says so.
    const may = only === undefined ? owned === undefined || owned.identity.key === key : only === sessionId;
    if (!may) throw new GlimpseError('FORBIDDEN', { message: 'The session is not of this token.' });
    if (owned) owned.expiresAt = Math.max(owned.expiresAt, claims.exp);
  }

  /** Call now and then. */
  endExpired(nowSeconds: number): void {
    const graceSeconds = LIMITS.tokenExpiredGraceMs / 1_000;
    for (const { session, expiresAt } of this.#owned.values())
      if (expiresAt + graceSeconds <= nowSeconds) session.close(TOKEN_EXPIRED).catch(() => {});
  }
}
