/** Failures over HTTP: `{ error: { code, message, retryable, retryAfterMs? } }` with the status of the error table. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { toGlimpseError } from '../../src/errors.ts';
import type { ErrorLog } from '../../src/error-log.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import type { Access } from '../access/access.ts';
import { isLoopback } from '../access/origins.ts';
import { addressOf } from './http-access.ts';
import type { AccessEnv } from './http-access.ts';

export interface FailureOptions {
  access: Access;
  metrics: Metrics;
  errors: ErrorLog;
}

export function failureResponse(
  context: Context<AccessEnv>,
  thrown: unknown,
  { access, metrics, errors }: FailureOptions,
): Response {
  const error = toGlimpseError(thrown);
  metrics.countError(error.code);
  if (!isForeignPage(context)) access.noteError(context.get('identity') ?? addressOf(context, access), error);
  // Path and query of a request hold session ids and prompts, so neither is logged.
  errors.note(error, `a ${context.req.method} request failed`);
  if (error.retryAfterMs !== undefined) context.header('Retry-After', String(Math.ceil(error.retryAfterMs / 1_000)));
  // RFC 6750 section 3.
  if (error.code === 'UNAUTHORIZED') context.header('WWW-Authenticate', 'Bearer error="invalid_token"');
  context.header('Cache-Control', 'no-store');
  return context.json({ error: error.toJSON() }, error.status as ContentfulStatusCode);
}

/**
 * Whether the request comes from another site's page in a browser on this machine. Its images and forms send this
 * header but no Origin (Fetch Metadata, section 2.3). Loopback only: other machines could forge it to avoid points.
 */
function isForeignPage(context: Context<AccessEnv>): boolean {
  const remote = context.env.incoming?.socket.remoteAddress ?? '';
  return context.req.header('Sec-Fetch-Site') === 'cross-site' && isLoopback(remote.replace(/^::ffff:/, ''));
}
