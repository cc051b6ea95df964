/**
 * The claims of a bearer token (RFC 7519), beyond `aud`, `iss`, `nbf` and `exp`, which are checked before these.
 * Unknown claims are ignored, because a product's tokens may carry its own. OpenID providers use `sid` (OpenID Connect
 * Front-Channel Logout 1.0, section 3), so ours has a collision-resistant name (RFC 7519 4.3).
 */
import { z } from 'zod';
import { LIMITS } from '../../src/limits.ts';
import { RIGHTS } from '../../src/rooms/rights.ts';

const name = z.string().min(1).max(256);
const rate = z.number().int().min(0).max(100_000);

export const tokenClaims = z.object({
  exp: z.number(),
  iat: z.number().optional(),
  /** The user, who owns sessions and has quotas. All tokens of one user open the same sessions. */
  sub: name.optional(),
  jti: name.optional(),
  /** Opens only this session and creates none: for a second client that steers it, or a page that only monitors it. */
  glimpse_sid: name.optional(),
  /** Opens only this room: joins it, or as its host creates it. */
  glimpse_room: name.optional(),
  /** The right in that room. Absent: `watch`. */
  glimpse_right: z.enum(RIGHTS).optional(),
  /** Creates one session, once; requires `jti`. The session stays accessible to it. */
  once: z.boolean().optional(),
  /** Overrides the server's own limits for one user. */
  limits: z
    .object({
      /** At once. */
      sessions: rate.optional(),
      creationsPerMinute: rate.optional(),
      messagesPerSecond: rate.min(1).optional(),
      promptsPerSecond: rate.min(1).optional(),
      /** Share of the generator compared with other users'; 1 is usual. */
      weight: z.number().min(0.01).max(100).optional(),
      promptChars: z.number().int().min(1).max(LIMITS.promptMaxChars).optional(),
    })
    .optional(),
});
export type TokenClaims = z.infer<typeof tokenClaims>;
