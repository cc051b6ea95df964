/** Routes for the operator: `/metrics` for Prometheus, `/debug/abuse` for clients that are slowed or refused now. */
import { Hono } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import type { ErrorLog } from '../../src/error-log.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import type { Gate } from '../gate.ts';
import { judgeReadiness } from './health.ts';
import type { Readiness } from './health.ts';
import type { AccessEnv } from './http-access.ts';
import { failureResponse } from './http-errors.ts';
import { ownHost } from '../listen/own-host.ts';
import { securityHeaders } from './security-headers.ts';
import type { AbuseBody } from './api-bodies.ts';

export interface MetricsOptions {
  gate: Gate;
  metrics: Metrics;
  readiness: () => Readiness;
  /** Address that the listener is bound to. */
  host: string;
}

export function metricsRoutes({ gate, metrics, host }: Omit<MetricsOptions, 'readiness'>): Hono<AccessEnv> {
  const { registry, access } = gate;
  const app = new Hono<AccessEnv>();
  for (const path of ['/metrics', '/debug/*']) app.use(path, ownHost(host));
  app.get('/metrics', async (context) => {
    metrics.set('sessions', registry.size);
    const { text, contentType } = await metrics.exposition();
    return context.body(text, 200, { 'Content-Type': contentType });
  });
  app.get('/debug/abuse', (context) => {
    context.header('Cache-Control', 'no-store');
    return context.json({ standing: access.standing } satisfies AbuseBody);
  });
  return app;
}

/** The app of a port for metrics alone; its `/readyz` includes the reasons that unidentified clients do not get. */
export function metricsApp({ readiness, errors, ...options }: MetricsOptions & { errors: ErrorLog }): Hono<AccessEnv> {
  const { gate, metrics } = options;
  const app = new Hono<AccessEnv>();
  const failure = { access: gate.access, metrics, errors };
  app.onError((error, context) => failureResponse(context, error, failure));
  app.notFound((context) => failureResponse(context, new GlimpseError('NOT_FOUND'), failure));
  app.use(securityHeaders());
  app.use('/readyz', ownHost(options.host));
  app.get('/readyz', (context) => {
    const body = judgeReadiness(readiness());
    return context.json(body, body.ready ? 200 : 503);
  });
  app.route('/', metricsRoutes(options));
  return app;
}
