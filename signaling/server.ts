/**
 * The signaling server: one port for the page, the HTTP API and the WebSocket. It knows sessions and nothing below
 * them; closing it closes no session, that is for whoever owns the registry.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { GlimpseError } from '../src/errors.ts';
import type { GeneratorInfo } from '../src/generation/generator.ts';
import { LIMITS } from '../src/limits.ts';
import { httpApp } from './http.ts';
import type { HttpOptions } from './http.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { ServerMessage } from './protocol.ts';
import { SignalSockets } from './sockets.ts';

/** A client that has not sent its whole request by then is cut off; the largest is under 100 kB. */
const REQUEST_TIMEOUT_MS = 20_000;

export interface SignalingOptions extends HttpOptions {
  generatorInfo: GeneratorInfo;
  /** Address to bind, e.g. `127.0.0.1`. */
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Milliseconds between pings; for tests. */
  pingIntervalMs?: number;
}

export interface SignalingServer {
  /** e.g. `http://127.0.0.1:8080`. */
  url: string;
  port: number;
  /** Ends every socket with `bye` and stops listening. Idempotent, never throws. */
  close(reason?: string): Promise<void>;
}

/** @throws GlimpseError CONFIG_INVALID when the address cannot be bound */
export async function startSignaling(options: SignalingOptions): Promise<SignalingServer> {
  const { host, registry, metrics, log, pingIntervalMs } = options;
  const app = httpApp(options);
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  await listen(server, host, options.port);
  const sockets = new SignalSockets({ registry, metrics, log, welcome: () => welcome(options) }, pingIntervalMs);
  server.on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head));
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close: (reason = 'the server is shutting down') => (closed ??= shut(server, sockets, reason)),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
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

async function shut(server: Server, sockets: SignalSockets, reason: string): Promise<void> {
  const stopped = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), LIMITS.serverCloseGraceMs);
  await sockets.close(reason, LIMITS.serverCloseGraceMs);
  await stopped;
  clearTimeout(cut);
}

function welcome({ generatorInfo, iceServers }: SignalingOptions): ServerMessage {
  const { name, conditioning, slice, tiers, examples } = generatorInfo;
  return {
    type: 'welcome',
    protocol: PROTOCOL_VERSION,
    iceServers: iceServers(),
    generator: { name, conditioning, slice, tiers: [...tiers], examples: [...examples] },
    limits: { promptMaxChars: LIMITS.promptMaxChars, clipSecondsMax: LIMITS.clipSecondsMax },
  };
}
