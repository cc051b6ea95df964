/** An HTTP server with the limits of this service on slow senders, slow readers, headers and connections. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { GlimpseError } from '../src/errors.ts';
import { LIMITS } from '../src/limits.ts';

export interface Listener {
  server: Server;
  /** e.g. `http://127.0.0.1:8080` */
  url: string;
  port: number;
}

export interface ListenOptions {
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch'];
  /** Address to bind. */
  host: string;
  /** 0 picks a free one. */
  port: number;
}

/** @throws GlimpseError CONFIG_INVALID when the address cannot be bound */
export async function listen({ fetch, host, port }: ListenOptions): Promise<Listener> {
  const server = createAdaptorServer({
    fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: LIMITS.headersTimeoutMs,
      requestTimeout: LIMITS.requestTimeoutMs,
      // Node looks every 30 s by default, which would make the other two as long.
      connectionsCheckingInterval: LIMITS.requestSweepMs,
      maxHeaderSize: LIMITS.headersMaxBytes,
    },
  }) as Server;
  server.maxConnections = LIMITS.connectionsMax;
  server.setTimeout(LIMITS.connectionIdleMs);
  await bind(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  return { server, port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}` };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : `it cannot be bound (${cause.code})`;
      reject(new GlimpseError('CONFIG_INVALID', { message: `HTTP address ${host}:${port}: ${why}.`, cause }));
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** Stops listening; what is still open after the grace is cut. */
export async function stop(server: Server): Promise<void> {
  const stopped = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), LIMITS.serverCloseGraceMs);
  await stopped;
  clearTimeout(cut);
}
