/** Tokens as a product's backend would mint them, and wrong ones. */
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { JWTPayload } from 'jose';

export const SECRET = 'a secret of at least thirty-two characters';
export const AUDIENCE = 'glimpse';

export interface Wrong {
  secret?: string;
  audience?: string;
  issuer?: string;
  /** Seconds from now; negative has passed. Undefined: never expires. */
  expiresIn?: number | undefined;
}

/** An HS256 token with these claims. */
export function hs256(claims: JWTPayload = {}, wrong: Wrong = {}): Promise<string> {
  const { secret = SECRET, audience = AUDIENCE, issuer } = wrong;
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setAudience(audience).setIssuedAt();
  if (issuer !== undefined) token.setIssuer(issuer);
  const expiresIn = 'expiresIn' in wrong ? wrong.expiresIn : 60;
  if (expiresIn !== undefined) token.setExpirationTime(now + expiresIn);
  return token.sign(new TextEncoder().encode(secret));
}

/** A JWKS of one Ed25519 key, and what signs with it. */
export async function ed25519(kid = 'one') {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA' };
  const sign = (claims: JWTPayload = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid })
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
  return { jwks: { keys: [jwk] }, jwk, privateKey, sign };
}
