/** The demo page's files. Browsers cache names with a content hash for ever and revalidate all others. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { pageSecurityHeaders } from './security-headers.ts';

/** Vite's output names: `assets/index-DiwrgTda.js`. */
const HASHED = /^\/assets\/.+-[\w-]{8}\.\w+$/;
const NOT_BUILT = 'The page is not built: run "npx vite build client-demo" and load this again.\n';

/** @param directory of the built page; undefined serves none */
export function pageRoutes(directory: string | undefined): Hono {
  const app = new Hono();
  app.get('/', async (context, next) => {
    const built = directory !== undefined && existsSync(join(directory, 'index.html'));
    return built ? next() : context.text(NOT_BUILT, 404);
  });
  if (directory === undefined || !existsSync(directory)) return app;
  app.get('*', pageSecurityHeaders());
  app.get('*', async (context, next) => {
    const immutable = HASHED.test(context.req.path);
    context.header('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    // Nothing here is secret, and pages of other origins may import the SDK (`/glimpse-client.js`) from a service.
    context.header('Access-Control-Allow-Origin', '*');
    await next();
  });
  // Refuses `..`, encoded or not, and backslashes.
  app.get('*', serveStatic({ root: directory }));
  return app;
}
