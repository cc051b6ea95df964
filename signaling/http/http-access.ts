/**
 * Access control (`access/`) for HTTP: cross-origin headers by the origin policy (Fetch standard, and section 4.2 of
 * draft-ietf-wish-whep), then the client's identity. Cookies are never read.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import type { Access } from '../access/access.ts';
import { bearerToken } from '../access/credentials.ts';
import type { Identity } from '../access/identity.ts';

export interface AccessEnv {
  Bindings: Partial<HttpBindings>;
  Variables: { identity: Identity };
}

const EXPOSED = 'Location, ETag, Link, Accept-Patch, Allow, Retry-After, Content-Range, Accept-Ranges';
const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS';
const HEADERS = 'Content-Type, If-Match, Authorization';
/** Names of headers, with commas (RFC 9110 section 5.6.2); as many as any page asks for. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+){0,63}$/;
const HEADER_NAMES_MAX_CHARS = 2_048;
/** Browsers cap this at two hours. */
const PREFLIGHT_SECONDS = '7200';

/** Refuses pages of other origins, and sends allowed pages their CORS headers. @throws ORIGIN_FORBIDDEN */
export function crossOrigin(access: Access): MiddlewareHandler<AccessEnv> {
  return async (context, next) => {
    const { origin, host } = { origin: context.req.header('Origin'), host: hostOf(context) };
    const allowed = access.corsOrigin(origin, host);
    if (allowed !== '*') context.header('Vary', 'Origin');
    if (allowed !== undefined) {
      context.header('Access-Control-Allow-Origin', allowed);
      context.header('Access-Control-Expose-Headers', EXPOSED);
    }
    access.requireOrigin(origin, host);
    if (context.req.method === 'OPTIONS') {
      context.header('Access-Control-Allow-Methods', METHODS);
      context.header('Access-Control-Allow-Headers', allowedHeaders(context));
      context.header('Vary', 'Access-Control-Request-Headers', { append: true });
      context.header('Access-Control-Max-Age', PREFLIGHT_SECONDS);
    }
    await next();
  };
}

/** Identifies the client; preflights carry no token and pass. @throws UNAUTHORIZED, AUTH_DOWN, ABUSE_REFUSED */
export function identified(access: Access): MiddlewareHandler<AccessEnv> {
  return async (context, next) => {
    if (context.req.method !== 'OPTIONS') {
      const token = bearerToken(context.req.header('Authorization'));
      context.set('identity', await access.identify(token, addressOf(context, access)));
    }
    await next();
  };
}

/**
 * A page may send every header it asks to send. Tracers add headers to each request, and no header that a page may set
 * grants access, since cookies are never read.
 */
function allowedHeaders(context: Context<AccessEnv>): string {
  const asked = context.req.header('Access-Control-Request-Headers') ?? '';
  return asked.length <= HEADER_NAMES_MAX_CHARS && HEADER_NAMES.test(asked) ? asked : HEADERS;
}

/** The host a request is for: `Host`, or HTTP/2's `:authority` (RFC 9113 section 8.3.1). */
export function hostOf(context: Context<AccessEnv>): string | undefined {
  const authority = context.env.incoming?.headers[':authority'];
  return typeof authority === 'string' ? authority : context.req.header('Host');
}

/**
 * For OPTIONS, which needs no token: the identity if the request carries one; undefined for a preflight, which cannot.
 * @throws GlimpseError as `identified` for an invalid token
 */
export async function optionalIdentity(context: Context<AccessEnv>, access: Access): Promise<Identity | undefined> {
  const token = bearerToken(context.req.header('Authorization'));
  const isPreflight = context.req.header('Access-Control-Request-Method') !== undefined;
  if (isPreflight || (access.needsToken && token === undefined)) return undefined;
  return access.identify(token, addressOf(context, access));
}

export function addressOf(context: Context<AccessEnv>, access: Access): string {
  return access.addressOf(context.env.incoming?.socket.remoteAddress, context.req.header('X-Forwarded-For'));
}
