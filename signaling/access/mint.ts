/** Mints HS256 tokens that `tokens.ts` accepts: for development, tests and small products that share the secret. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { GlimpseError } from '../../src/errors.ts';
import type { TokenClaims } from './token-claims.ts';

export interface TokenRequest {
  /** The server's `authSecret`. */
  secret: string;
  audience: string;
  issuer?: string | undefined;
  /** Lifetime, minutes; up to a year. */
  minutes: number;
  /** The user. */
  subject?: string | undefined;
  /** Opens only this session. */
  sid?: string | undefined;
  /** Opens only this room, with this right (default `watch`). */
  room?: string | undefined;
  right?: TokenClaims['glimpse_right'];
  /** Creates one session, once. */
  once?: boolean | undefined;
  limits?: TokenClaims['limits'];
}

const MINUTES_MAX = 366 * 24 * 60;

/** @throws GlimpseError PARAMETER_INVALID */
export async function mintToken(request: TokenRequest): Promise<string> {
  const { secret, audience, issuer, minutes, subject, sid, room, right, once, limits } = request;
  if (!(minutes > 0 && minutes <= MINUTES_MAX))
    throw new GlimpseError('PARAMETER_INVALID', { message: `minutes must be more than 0 and at most ${MINUTES_MAX}.` });
  const issuedAt = Math.floor(Date.now() / 1_000);
  const token = new SignJWT({ glimpse_sid: sid, glimpse_room: room, glimpse_right: right, once, limits })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setJti(randomUUID())
    .setExpirationTime(issuedAt + Math.ceil(minutes * 60));
  if (issuer !== undefined) token.setIssuer(issuer);
  if (subject !== undefined) token.setSubject(subject);
  return token.sign(new TextEncoder().encode(secret));
}
