/**
 * Headers that bound what a browser does with an answer: no framing by other origins, no guessing of types, no referrer.
 * The page also says where its scripts, pictures and connections may come from (Content Security Policy Level 3). No
 * Strict-Transport-Security: on localhost it would hold for every other port; a proxy that ends TLS sends its own.
 */
import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** A page of another origin may play a clip and import the SDK. */
const COMMON = { crossOriginResourcePolicy: 'cross-origin', strictTransportSecurity: false } as const;
const SELF = ["'self'"];

/** For every answer. What a handler set itself stays. */
export const securityHeaders = (): MiddlewareHandler =>
  secureHeaders({ ...COMMON, contentSecurityPolicy: { frameAncestors: SELF }, overwrite: false });

/** For the page and its parts. */
export const pageSecurityHeaders = (): MiddlewareHandler =>
  secureHeaders({
    ...COMMON,
    contentSecurityPolicy: {
      defaultSrc: SELF,
      baseUri: ["'none'"],
      // The WebSocket too: browsers from before CSP 3 do not count ws: as 'self'.
      connectSrc: [...SELF, 'ws:', 'wss:'],
      formAction: SELF,
      frameAncestors: SELF,
      imgSrc: [...SELF, 'data:', 'blob:'],
      mediaSrc: [...SELF, 'blob:'],
      objectSrc: ["'none'"],
    },
  });
