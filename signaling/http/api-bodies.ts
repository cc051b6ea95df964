/**
 * The bodies of the HTTP API, as zod schemas beside those of the wire: clips, uploads, session state, and process
 * state. One schema gives the check, the type and the OpenAPI document.
 */
import { z } from 'zod';
import { LIMITS } from '../../src/limits.ts';
import { adain, guidance, prompt, seed, sessionStats, tier } from '../protocol.ts';

/** `POST /v1/clips`. */
export const clipRequest = z.strictObject({
  prompt,
  seed: seed.optional(),
  guidance: guidance.optional(),
  seconds: z.number().min(LIMITS.clipSecondsMin).max(LIMITS.clipSecondsMax).default(4),
  /** How far to refine; default: the best the generator makes. */
  tier: tier.optional(),
  adain: adain.optional(),
});

/** `GET /v1/clips/{id}`. */
export const clipBody = z.object({
  id: z.string(),
  state: z.enum(['queued', 'making', 'ready', 'failed']),
  /** Share that is finished, in [0, 1]. */
  progress: z.number(),
  queuePosition: z.number(),
  seed: z.number(),
  durationMs: z.number(),
  error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).optional(),
  /** URLs of its files once it is ready, relative to the request's own. */
  mp4: z.string(),
  hls: z.string(),
});
export type ClipBody = z.infer<typeof clipBody>;

/** `GET /v1/sessions/{id}`. */
export const sessionBody = z.object({ id: z.string(), state: z.string(), stats: sessionStats });
export type SessionBody = z.infer<typeof sessionBody>;

/** `POST /v1/inputs`. */
export const inputBody = z.object({
  /** The value of `input` in a request; only its uploader can use it. */
  id: z.string(),
  kind: z.enum(['image', 'video']),
  bytes: z.number(),
  /** Counted from now, and restarted by each use. */
  expiresInMs: z.number(),
});
export type InputBody = z.infer<typeof inputBody>;

/** `GET /readyz`; 503 until `ready`. */
export const readinessBody = z.object({ ready: z.boolean(), reasons: z.array(z.string()) });
export type ReadinessBody = z.infer<typeof readinessBody>;

/** `GET /debug/abuse`: clients that are slowed or refused at present. */
export const abuseBody = z.object({
  standing: z.array(
    z.object({
      /** `user:…`, `token:…` or `address:…` */
      key: z.string(),
      level: z.enum(['none', 'slow', 'refuse']),
      cause: z.string(),
      score: z.number(),
      causes: z.record(z.string(), z.number()),
    }),
  ),
});
export type AbuseBody = z.infer<typeof abuseBody>;
