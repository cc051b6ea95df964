/** All HTTP routes of the service in one list; the rules of each family are in the file that mounts it. */
import { Hono } from 'hono';
import { allowedMethods } from './allowed-methods.ts';
import type { ClipLibrary } from '../../src/clips/contract.ts';
import { GlimpseError } from '../../src/errors.ts';
import { ErrorLog } from '../../src/error-log.ts';
import type { Log } from '../../src/log.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import { clipRoutes } from './clips.ts';
import type { Gate } from '../gate.ts';
import { judgeReadiness } from './health.ts';
import type { Readiness } from './health.ts';
import { crossOrigin, identified } from './http-access.ts';
import type { AccessEnv } from './http-access.ts';
import { failureResponse } from './http-errors.ts';
import { inputRoutes } from './inputs-api.ts';
import type { IceServers } from '../ice-servers.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { openApiDocument } from './openapi.ts';
import { pageRoutes } from './page.ts';
import { plainSignal } from '../socket/plain-signal.ts';
import { securityHeaders } from './security-headers.ts';
import { sessionRoutes } from './sessions-api.ts';
import { SIGNAL_PATH } from '../socket/sockets.ts';
import { whepRoutes } from '../whep/whep.ts';
import { whipRoutes } from '../whip/whip.ts';

export interface HttpOptions {
  gate: Gate;
  readiness: () => Readiness;
  metrics: Metrics;
  log: Log;
  /** Receives failures that are the operator's concern; default: `log`. */
  errors?: ErrorLog | undefined;
  iceServers: IceServers;
  /** Address that the listener is bound to. */
  host: string;
  /** Serve `/metrics` and `/debug` here too, for every client that can connect. */
  metricsHere: boolean;
  pageDirectory?: string | undefined;
  clips?: ClipLibrary | undefined;
}

export function httpApp(options: HttpOptions): Hono<AccessEnv> {
  const { gate, readiness, metrics, log, iceServers, host, metricsHere, pageDirectory, clips } = options;
  const { access } = gate;
  // A trailing slash is ignored.
  const app = new Hono<AccessEnv>({ strict: false });
  const failure = { access, metrics, errors: options.errors ?? new ErrorLog(log) };
  app.onError((error, context) => failureResponse(context, error, failure));
  app.notFound((context) => {
    const methods = allowedMethods(app, context.req.path);
    if (methods.length === 0) return failureResponse(context, new GlimpseError('NOT_FOUND'), failure);
    context.header('Allow', methods.join(', '));
    return failureResponse(context, new GlimpseError('METHOD_NOT_ALLOWED'), failure);
  });

  app.use(securityHeaders());
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', (context) => {
    const { ready, reasons } = judgeReadiness(readiness());
    // Where tokens are required, unidentified clients get only yes or no; the reasons are on the metrics port.
    return context.json({ ready, reasons: access.needsToken ? [] : reasons }, ready ? 200 : 503);
  });
  if (metricsHere) app.route('/', metricsRoutes({ gate, metrics, host }));
  app.get(SIGNAL_PATH, plainSignal(log));
  for (const path of ['/whep/*', '/whip/*', '/v1/*']) app.use(path, crossOrigin(access));
  // A clip's name cannot be guessed, and a video element sends no token.
  for (const path of ['/whep/*', '/whip/*', '/v1/sessions/*', '/v1/inputs/*', '/openapi.json'])
    app.use(path, identified(access));
  let document: ReturnType<typeof openApiDocument> | undefined;
  app.get('/openapi.json', (context) => {
    document ??= openApiDocument({ clips: clips !== undefined, metrics: metricsHere, tokens: access.needsToken });
    return context.json(document);
  });
  app.route('/whep', whepRoutes({ gate, iceServers, metrics }));
  app.route('/whip', whipRoutes({ gate, iceServers, metrics }));
  app.options('/v1/*', (context) => context.body(null, 200));
  app.route('/v1/sessions', sessionRoutes(gate));
  app.route('/v1/inputs', inputRoutes(gate));
  if (clips) app.route('/v1/clips', clipRoutes(clips, gate));
  app.route('/', pageRoutes(pageDirectory));
  return app;
}
