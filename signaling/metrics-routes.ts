/** What an operator reads: `/metrics` for Prometheus, `/debug/abuse` for the clients that are slowed or refused now. */
import { Hono } from 'hono';
import type { Metrics } from '../src/metrics/metrics.ts';
import type { Gate } from './gate.ts';
import type { AccessEnv } from './http-access.ts';
import type { AbuseBody } from './api-bodies.ts';

export function metricsRoutes({ registry, access }: Gate, metrics: Metrics): Hono<AccessEnv> {
  const app = new Hono<AccessEnv>();
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
