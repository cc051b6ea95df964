/** The client's identity: a token's user, or without tokens the address. Quotas, scores and ownership use `key`. */
import { createHash } from 'node:crypto';
import type { TokenClaims } from './token-claims.ts';

export interface Identity {
  /** `user:…`, `token:…` or `address:…`; never the token itself. */
  key: string;
  /** The client's address, as reported by trusted proxies. */
  address: string;
  /** Undefined where the server requires no tokens. */
  claims: TokenClaims | undefined;
}

export const addressKey = (address: string): string => `address:${address}`;

/**
 * A token without a subject is a user of its own. Its key is the signed part (RFC 7515 5.2), because one signature has
 * many spellings: the last character of base64url, and with ES256 the other half of the curve.
 */
export function tokenIdentity(token: string, claims: TokenClaims, address: string): Identity {
  const { sub, jti } = claims;
  const signed = token.slice(0, token.lastIndexOf('.'));
  const key =
    sub === undefined ? `token:${jti ?? createHash('sha256').update(signed).digest('base64url')}` : `user:${sub}`;
  return { key, address, claims };
}

export const addressIdentity = (address: string): Identity => ({
  key: addressKey(address),
  address,
  claims: undefined,
});
