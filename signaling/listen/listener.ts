/**
 * An HTTP server with this service's limits on slow senders, slow readers, headers and connections. With a certificate
 * it speaks HTTPS: HTTP/2 to clients that support it, HTTP/1.1 to others, including WebSockets.
 */
import type { IncomingMessage, Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { systemClock } from '../../src/clock.ts';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Log } from '../../src/log.ts';
import { ConnectionShare, type AddressKey } from './connection-share.ts';
import { HTTP2_STREAMS_MAX, keepHttp2Limits } from './http2-limits.ts';
import { readKeyPair, watchKeyPair, type TlsFiles } from './tls.ts';

export interface Listener {
  server: Server;
  /** e.g. `http://127.0.0.1:8080` */
  url: string;
  port: number;
  /** Stops listening; what is still open after the grace is destroyed. */
  stop(): Promise<void>;
}

export interface ListenOptions {
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch'];
  /** Address to bind. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  tls?: TlsFiles | undefined;
  log?: Log | undefined;
  /** Key of the share that a connection counts toward; default: each address its own. */
  addressKey?: AddressKey | undefined;
  /**
   * Whether an upgrade goes to the `upgrade` listener. Any other request is answered as if it had not asked to upgrade
   * (RFC 9110 section 7.8): `curl --http2` and Java's client offer `h2c` with each first request. Default: never.
   */
  takesUpgrade?: ((request: IncomingMessage) => boolean) | undefined;
}

const TIMEOUTS = {
  headersTimeout: LIMITS.headersTimeoutMs,
  requestTimeout: LIMITS.requestTimeoutMs,
  // Node checks every 30 s by default, which would make the other two limits as long.
  connectionsCheckingInterval: LIMITS.requestSweepMs,
  maxHeaderSize: LIMITS.headersMaxBytes,
} as const;
/**
 * Replaces the host of an HTTP/1.0 request without `Host`, as the health checks of HAProxy, Nagios and F5 send it.
 * HTTP/1.1 must name its host (RFC 9112 section 3.2): Node refuses it otherwise.
 */
const NAMELESS_HOST = 'localhost';
const never = (): boolean => false;
/** Status by Node's code for the parse error. */
const BROKEN: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};
/** @throws GlimpseError CONFIG_INVALID when the address cannot be bound or the certificate cannot be used */
export async function listen({
  fetch,
  host,
  port,
  tls,
  log,
  addressKey = (remote) => remote,
  takesUpgrade = never,
}: ListenOptions): Promise<Listener> {
  const adaptor = { fetch, hostname: NAMELESS_HOST, overrideGlobalObjects: false };
  const server = tls ? secureServer(adaptor, tls) : plainServer(adaptor);
  // Set as a property: the HTTP/2 server has no such option (Node 24).
  Object.assign(server, { shouldUpgradeCallback: takesUpgrade });
  server.maxConnections = LIMITS.connectionsMax;
  server.setTimeout(LIMITS.connectionIdleMs);
  server.on('clientError', answerBroken);
  const share = new ConnectionShare(LIMITS.connectionsPerAddressMax, addressKey);
  server.prependListener('connection', (socket: Socket) => void share.take(socket));
  const sockets = openSockets(server);
  await bind(server, host, port);
  const renewals = tls ? keepRenewed(server as unknown as Http2SecureServer, tls, log) : () => {};
  const bound = (server.address() as AddressInfo).port;
  const stop = async (): Promise<void> => {
    renewals();
    const stopped = new Promise<void>((resolve) => void server.close(() => resolve()));
    server.closeIdleConnections?.();
    const cut = systemClock.after(LIMITS.serverCloseGraceMs, () => sockets.forEach((socket) => socket.destroy()));
    await stopped;
    cut.close();
  };
  const scheme = tls ? 'https' : 'http';
  return { server, port: bound, url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${bound}`, stop };
}

type Adaptor = Pick<Parameters<typeof createAdaptorServer>[0], 'fetch' | 'hostname' | 'overrideGlobalObjects'>;

function plainServer(adaptor: Adaptor): Server {
  return createAdaptorServer({ ...adaptor, serverOptions: TIMEOUTS }) as Server;
}

/** HTTP/1.1 connections of such a server behave as on an HTTP/1.1 server, `upgrade` and timeouts included. */
function secureServer(adaptor: Adaptor, files: TlsFiles): Server {
  const settings = { maxConcurrentStreams: HTTP2_STREAMS_MAX, maxHeaderListSize: LIMITS.headersMaxBytes };
  const serverOptions = { ...readKeyPair(files), ...TIMEOUTS, allowHTTP1: true, settings };
  const server = createAdaptorServer({
    ...adaptor,
    createServer: createSecureServer,
    serverOptions,
  }) as unknown as Server & Http2SecureServer;
  server.headersTimeout = LIMITS.headersTimeoutMs;
  server.requestTimeout = LIMITS.requestTimeoutMs;
  // A failed TLS handshake is the client's problem.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  keepHttp2Limits(server);
  return server;
}

/**
 * Sends Node's own response, but closes a connection without a request silently. Browsers open some ahead of need, and
 * would take a 408 for the answer to their next request.
 */
function answerBroken({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  const { bytesRead, bytesWritten } = socket as Socket;
  if (socket.writable && bytesRead > 0 && bytesWritten === 0)
    socket.write(`HTTP/1.1 ${BROKEN[code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
  socket.destroy();
}

/** Open raw connections of any protocol. */
function openSockets(server: Server): Set<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}

function keepRenewed(server: Http2SecureServer, files: TlsFiles, log: Log | undefined): () => void {
  return watchKeyPair(files, {
    onRenewed: (pair) => {
      server.setSecureContext(pair);
      log?.info('the TLS certificate was read again');
    },
    onTrouble: (error) => log?.warn({ err: error }, 'the new TLS certificate cannot be used; the old one stays'),
  });
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'the port is in use; choose another with --port (0: any free one)'
          : `it cannot be bound (${cause.code})`;
      reject(new GlimpseError('CONFIG_INVALID', { message: `HTTP address ${host}:${port}: ${why}.`, cause }));
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
