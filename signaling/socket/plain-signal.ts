/**
 * Answers `/signal` requests without an upgrade: 426 and what the client should send (RFC 9110 section 15.5.22). A
 * proxy that drops the `Upgrade` header is the usual cause, so the operator gets a warning too, at most once a minute.
 */
import type { MiddlewareHandler } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import type { AccessEnv } from '../http/http-access.ts';

const TELL_EVERY_MS = 60_000;
const TOLD =
  'a request for /signal came without an upgrade: does the proxy pass the Upgrade and Connection headers on?';

export function plainSignal(log: Pick<Log, 'warn'>, nowMs = () => performance.now()): MiddlewareHandler<AccessEnv> {
  let toldMs = -Infinity;
  return async (context) => {
    if (nowMs() - toldMs >= TELL_EVERY_MS) {
      toldMs = nowMs();
      log.warn(TOLD);
    }
    // HTTP/2 has no such header (RFC 9113 section 8.2.2).
    if (context.env.incoming?.httpVersionMajor !== 2) context.header('Upgrade', 'websocket');
    throw new GlimpseError('UPGRADE_REQUIRED');
  };
}
