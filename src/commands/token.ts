/** `glimpse token`: prints a development bearer token, alone on standard output so that a shell can capture it. */
import { mintToken } from '../../signaling/access/mint.ts';
import type { Config } from '../config/config.ts';
import { GlimpseError } from '../errors.ts';
import type { Right } from '../rooms/rights.ts';

export interface TokenOptions {
  minutes: number;
  subject: string | undefined;
  session: string | undefined;
  once: boolean | undefined;
  room: string | undefined;
  right: Right | undefined;
}

/** @throws GlimpseError CONFIG_INVALID without a secret, PARAMETER_INVALID */
export async function token(config: Config, { session: sid, ...options }: TokenOptions): Promise<void> {
  const { authSecret: secret, authAudience: audience, authIssuer: issuer } = config;
  if (secret === undefined)
    throw new GlimpseError('CONFIG_INVALID', {
      message: 'A token is signed with a secret: give --secret, or set GLIMPSE_AUTH_SECRET.',
    });
  process.stdout.write(`${await mintToken({ secret, audience, issuer, sid, ...options })}\n`);
}
