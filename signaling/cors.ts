/**
 * Cross-origin use of the API (Fetch standard, and section 4.2 of draft-ietf-wish-whep): any page may play a session.
 * No cookie is ever looked at, so `*` gives a foreign page nothing that its visitor could not get by hand.
 */
import type { MiddlewareHandler } from 'hono';

const EXPOSED = 'Location, ETag, Link, Accept-Patch, Retry-After';
const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS';
const HEADERS = 'Content-Type, If-Match, Authorization';
/** Browsers cap this at two hours. */
const PREFLIGHT_SECONDS = '7200';

export const crossOrigin: MiddlewareHandler = async (context, next) => {
  context.header('Access-Control-Allow-Origin', '*');
  context.header('Access-Control-Expose-Headers', EXPOSED);
  if (context.req.method === 'OPTIONS') {
    context.header('Access-Control-Allow-Methods', METHODS);
    context.header('Access-Control-Allow-Headers', HEADERS);
    context.header('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  }
  await next();
};
