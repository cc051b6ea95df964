/**
 * Headers that restrict browsers: no framing by other origins, no MIME sniffing, no referrer. The page also restricts
 * the sources of its scripts, images and connections (Content Security Policy Level 3). No Strict-Transport-Security:
 * on localhost it would apply to every other port; a TLS-terminating proxy sends its own.
 */
import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** A page of another origin may play a clip and import the SDK. */
const COMMON = { crossOriginResourcePolicy: 'cross-origin', strictTransportSecurity: false } as const;
const SELF = ["'self'"];

/** For every response. Headers that a handler set are kept. */
export const securityHeaders = (): MiddlewareHandler =>
  secureHeaders({ ...COMMON, contentSecurityPolicy: { frameAncestors: SELF }, overwrite: false });

/** For the page and its assets. */
export const pageSecurityHeaders = (): MiddlewareHandler =>
  secureHeaders({
    ...COMMON,
    contentSecurityPolicy: {
      defaultSrc: SELF,
      baseUri: ["'none'"],
      // Names the WebSocket too: browsers older than CSP 3 do not match ws: with 'self'.
      connectSrc: [...SELF, 'ws:', 'wss:'],
      formAction: SELF,
      frameAncestors: SELF,
      imgSrc: [...SELF, 'data:', 'blob:'],
      mediaSrc: [...SELF, 'blob:'],
      objectSrc: ["'none'"],
    },
  });
