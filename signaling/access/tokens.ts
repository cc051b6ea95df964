/**
 * Checks bearer tokens (JWT, RFC 7519 and RFC 8725) with `jose`: HS256 with a shared secret, or asymmetric signatures
 * with a JWKS from a file or a URL. Each algorithm accepts only its own kind of key, so a public key never works as a
 * secret and `none` is never accepted. Error texts never contain the token.
 */
import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { restingFetch } from './jwks-fetch.ts';
import { tokenClaims } from './token-claims.ts';
import type { TokenClaims } from './token-claims.ts';

const ASYMMETRIC = ['EdDSA', 'Ed25519', 'ES256', 'RS256'];
/** Three base64url parts; anything else is not a JWT and is not parsed. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Errors of `jose` about a token, as opposed to keys that it cannot fetch. */
const OF_TOKEN = [
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSMultipleMatchingKeys,
];

export interface TokenSettings {
  /** HS256 secret, at least 32 characters. */
  secret?: string | undefined;
  /** File or URL of a JWKS. */
  jwks?: string | undefined;
  audience: string;
  issuer?: string | undefined;
}

export class TokenVerifier {
  readonly #secret: Uint8Array | undefined;
  readonly #keys: JWTVerifyGetKey | undefined;
  readonly #rules: JWTVerifyOptions;

  private constructor(secret: Uint8Array | undefined, keys: JWTVerifyGetKey | undefined, rules: JWTVerifyOptions) {
    this.#secret = secret;
    this.#keys = keys;
    this.#rules = rules;
  }

  /** @throws GlimpseError CONFIG_INVALID when the keys are unreadable, not keys, or sent unencrypted */
  static async create({ secret, jwks, audience, issuer }: TokenSettings): Promise<TokenVerifier> {
    if (secret !== undefined && secret.length < 32)
      throw new GlimpseError('CONFIG_INVALID', {
        message: 'authSecret needs at least 32 characters; `openssl rand -base64 32` makes one.',
      });
    return new TokenVerifier(
      secret === undefined ? undefined : new TextEncoder().encode(secret),
      jwks === undefined ? undefined : await keySet(jwks),
      {
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        requiredClaims: ['exp'],
        clockTolerance: LIMITS.tokenClockToleranceSeconds,
      },
    );
  }

  /** @throws GlimpseError UNAUTHORIZED, or AUTH_DOWN when the keys cannot be fetched */
  async verify(token: string): Promise<TokenClaims> {
    if (token.length > LIMITS.tokenMaxChars || !COMPACT.test(token)) throw unauthorized('it is no JWT');
    const claims = tokenClaims.safeParse(await this.#payload(token));
    if (!claims.success) throw unauthorized(`its claim ${claims.error.issues[0]?.path.join('.')} cannot be used`);
    checkSingleUse(claims.data);
    return claims.data;
  }

  async #payload(token: string): Promise<unknown> {
    const symmetric = algorithmOf(token) === 'HS256';
    try {
      if (symmetric && this.#secret)
        return (await jwtVerify(token, this.#secret, { ...this.#rules, algorithms: ['HS256'] })).payload;
      if (!symmetric && this.#keys)
        return (await jwtVerify(token, this.#keys, { ...this.#rules, algorithms: ASYMMETRIC })).payload;
    } catch (error) {
      throw refusalOf(error, symmetric);
    }
    throw unauthorized('its algorithm is not accepted');
  }
}

/** @throws GlimpseError UNAUTHORIZED for a header that is no JSON object */
function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    throw unauthorized('it cannot be read');
  }
}

async function keySet(source: string): Promise<JWTVerifyGetKey> {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url && url.protocol !== 'file:') {
    const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
      throw new GlimpseError('CONFIG_INVALID', { message: 'authJwks must be an https address or a file.' });
    return createRemoteJWKSet(url, { timeoutDuration: LIMITS.jwksTimeoutMs, [customFetch]: restingFetch() });
  }
  try {
    const keys = JSON.parse(await readFile(url ?? source, 'utf8')) as JSONWebKeySet;
    if (keys.keys.some((key) => 'd' in key)) throw new TypeError('a private key');
    return createLocalJWKSet(keys);
  } catch (cause) {
    throw new GlimpseError('CONFIG_INVALID', {
      message: 'authJwks: the file is not a JSON Web Key Set of public keys.',
      cause,
    });
  }
}

/** A single-use token needs an id to be told apart and an expiry to be forgotten. */
function checkSingleUse({ once, jti, exp, iat }: TokenClaims): void {
  if (!once) return;
  if (jti === undefined) throw unauthorized('a single-use token needs a jti');
  if (iat === undefined || exp - iat > LIMITS.singleUseTokenMaxHours * 3_600)
    throw unauthorized(`a single-use token needs an iat and lives at most ${LIMITS.singleUseTokenMaxHours} hours`);
}

/** @param local the keys are local, so every error is an error of the token */
function refusalOf(error: unknown, local: boolean): GlimpseError {
  if (error instanceof errors.JWTExpired) return unauthorized('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(`its claim ${error.claim} is wrong`);
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return unauthorized('its signature is by no key of this server');
  if (local || OF_TOKEN.some((kind) => error instanceof kind)) return unauthorized('it cannot be read');
  return new GlimpseError('AUTH_DOWN', { retryAfterMs: 5_000, cause: error });
}

export function unauthorized(why: string): GlimpseError {
  return new GlimpseError('UNAUTHORIZED', { message: `The token is refused: ${why}.` });
}
