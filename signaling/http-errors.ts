/** Failures over HTTP: `{ error: { code, message, retryable, retryAfterMs? } }` with the status of the error table. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { toGlimpseError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { Metrics } from '../src/metrics/metrics.ts';

export function failureResponse(context: Context, thrown: unknown, { metrics, log }: { metrics: Metrics; log: Log }) {
  const error = toGlimpseError(thrown);
  metrics.countError(error.code);
  // The path and the query of a request hold session ids and prompts, so neither is written down.
  if (error.code === 'INTERNAL') log.error({ err: error, method: context.req.method }, 'a request failed');
  if (error.retryAfterMs !== undefined) context.header('Retry-After', String(Math.ceil(error.retryAfterMs / 1_000)));
  context.header('Cache-Control', 'no-store');
  return context.json({ error: error.toJSON() }, error.status as ContentfulStatusCode);
}
