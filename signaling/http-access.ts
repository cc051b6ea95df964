/**
 * The door (`access/`) for HTTP: cross-origin headers by the origin policy (Fetch standard, and section 4.2 of
 * draft-ietf-wish-whep), then the client's identity. No cookie is ever looked at.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import type { Access } from './access/access.ts';
import { bearerToken } from './access/credentials.ts';
import type { Identity } from './access/identity.ts';

export interface AccessEnv {
  Bindings: Partial<HttpBindings>;
  Variables: { identity: Identity };
}

const EXPOSED = 'Location, ETag, Link, Accept-Patch, Retry-After';
const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS';
const HEADERS = 'Content-Type, If-Match, Authorization';
/** Browsers cap this at two hours. */
const PREFLIGHT_SECONDS = '7200';

/** Refuses pages of other origins, and tells browsers what pages of allowed ones may do. @throws ORIGIN_FORBIDDEN */
export function crossOrigin(access: Access): MiddlewareHandler<AccessEnv> {
  return async (context, next) => {
    const { origin, host } = { origin: context.req.header('Origin'), host: context.req.header('Host') };
    const allowed = access.corsOrigin(origin, host);
    if (allowed !== '*') context.header('Vary', 'Origin');
    if (allowed !== undefined) {
      context.header('Access-Control-Allow-Origin', allowed);
      context.header('Access-Control-Expose-Headers', EXPOSED);
    }
    access.requireOrigin(origin, host);
    if (context.req.method === 'OPTIONS') {
      context.header('Access-Control-Allow-Methods', METHODS);
      context.header('Access-Control-Allow-Headers', HEADERS);
      context.header('Access-Control-Max-Age', PREFLIGHT_SECONDS);
    }
    await next();
  };
}

/** Finds out who asks; preflights carry no token and are let through. @throws UNAUTHORIZED, AUTH_DOWN, ABUSE_REFUSED */
export function identified(access: Access): MiddlewareHandler<AccessEnv> {
  return async (context, next) => {
    if (context.req.method !== 'OPTIONS') {
      const token = bearerToken(context.req.header('Authorization'));
      context.set('identity', await access.identify(token, addressOf(context, access)));
    }
    await next();
  };
}

export function addressOf(context: Context<AccessEnv>, access: Access): string {
  return access.addressOf(context.env.incoming?.socket.remoteAddress, context.req.header('X-Forwarded-For'));
}
