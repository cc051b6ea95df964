/**
 * Where a request carries its token. HTTP: `Authorization: Bearer` (RFC 6750 2.1). A browser's WebSocket can set no
 * header but the subprotocol, so there the client offers the token as `glimpse.token.<jwt>` beside `glimpse.v1`; the
 * server always selects the latter. Never in a URL: URLs end up in logs.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** The subprotocol of `/signal`; a client that sends a token must offer it too. */
export const SUBPROTOCOL = 'glimpse.v1';
export const TOKEN_SUBPROTOCOL = 'glimpse.token.';

export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

export function upgradeToken(headers: IncomingHttpHeaders): string | undefined {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const carrier = offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL));
  return carrier?.slice(TOKEN_SUBPROTOCOL.length) ?? bearerToken(headers.authorization);
}
