/** Every HTTP address of the service in one list; each family's rules live in the file it is mounted from. */
import { Hono } from 'hono';
import { GlimpseError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { Metrics } from '../src/metrics/metrics.ts';
import type { SessionRegistry } from '../src/session/contract.ts';
import { clipRoutes } from './clips.ts';
import type { ClipSource } from './clips.ts';
import { crossOrigin } from './cors.ts';
import { judgeReadiness } from './health.ts';
import type { Readiness } from './health.ts';
import { failureResponse } from './http-errors.ts';
import type { IceServers } from './ice-servers.ts';
import { openApiDocument } from './openapi.ts';
import { pageRoutes } from './page.ts';
import { sessionRoutes } from './sessions-api.ts';
import { whepRoutes } from './whep.ts';

export interface HttpOptions {
  registry: SessionRegistry;
  readiness: () => Readiness;
  metrics: Metrics;
  log: Log;
  iceServers: IceServers;
  pageDirectory?: string | undefined;
  clips?: ClipSource | undefined;
}

export function httpApp(options: HttpOptions): Hono {
  const { registry, readiness, metrics, iceServers, pageDirectory, clips } = options;
  const app = new Hono();
  app.onError((error, context) => failureResponse(context, error, options));
  app.notFound((context) => failureResponse(context, new GlimpseError('NOT_FOUND'), options));

  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', (context) => {
    const body = judgeReadiness(readiness());
    return context.json(body, body.ready ? 200 : 503);
  });
  app.get('/metrics', async (context) => {
    metrics.set('sessions', registry.size);
    const { text, contentType } = await metrics.exposition();
    return context.body(text, 200, { 'Content-Type': contentType });
  });
  let document: ReturnType<typeof openApiDocument> | undefined;
  app.get('/openapi.json', (context) => {
    document ??= openApiDocument({ clips: clips !== undefined });
    return context.json(document);
  });

  for (const path of ['/whep', '/whep/*', '/v1/*']) app.use(path, crossOrigin);
  app.route('/whep', whepRoutes({ registry, iceServers, metrics }));
  app.options('/v1/*', (context) => context.body(null, 200));
  app.route('/v1/sessions', sessionRoutes(registry));
  if (clips) app.route('/v1/clips', clipRoutes(clips));
  app.route('/', pageRoutes(pageDirectory));
  return app;
}
