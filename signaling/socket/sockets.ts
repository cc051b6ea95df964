/**
 * WebSockets under `/signal`: upgrades, admission, keepalive and shutdown. The protocol is in `ws.ts`. A browser hides
 * the status of a refused upgrade from its page, so a client without a valid token gets a socket that states the
 * reason and closes. That socket sends nothing else and reads nothing.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { every, systemClock, type Timer } from '../../src/clock.ts';
import { GlimpseError, toGlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { SUBPROTOCOL, upgradeToken } from '../access/credentials.ts';
import type { Identity } from '../access/identity.ts';
import { TOKEN_EXPIRED } from '../access/owners.ts';
import { errorMessage } from './session-messages.ts';
import { POLICY_VIOLATION, SignalConnection } from './ws.ts';
import type { SignalContext } from './ws.ts';

/** Path of the WebSocket. */
export const SIGNAL_PATH = '/signal';

/** For `ListenOptions.takesUpgrade`: only a WebSocket request at this path is an upgrade. */
export function isSignalUpgrade({ url, headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?')[0] === SIGNAL_PATH;
}

/** RFC 6455 7.4.1: the server shuts down, or a browser leaves the page. */
const GOING_AWAY = 1001;
/** When a viewer whose token has expired should retry with a newer one. */
const EXPIRED_RETRY_MS = 100;

export interface SocketTimes {
  pingIntervalMs?: number | undefined;
  /** How long a socket may have no session. */
  idleMs?: number | undefined;
}

interface Held {
  connection: SignalConnection;
  identity: Identity;
  /** Start of its time without a session, ms. */
  idleSinceMs: number;
}

export class SignalSockets {
  readonly #context: Omit<SignalContext, 'owners'>;
  readonly #idleMs: number;
  readonly #owners: SignalContext['owners'] = new Map();
  readonly #held = new Map<WebSocket, Held>();
  /** Number of sockets by user or address. */
  readonly #counts = new Map<string, number>();
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.messageHardMaxBytes,
    // SDP compresses well, but a compressor per socket costs more memory than all its messages.
    perMessageDeflate: false,
    // Never selects the one that carries a token.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #heartbeat: Timer;
  /** Sockets that have answered since the last ping. */
  readonly #alive = new WeakSet<WebSocket>();
  #closing = false;

  constructor(context: Omit<SignalContext, 'owners'>, { pingIntervalMs, idleMs }: SocketTimes = {}) {
    this.#context = context;
    this.#idleMs = idleMs ?? LIMITS.socketIdleMs;
    const intervalMs = pingIntervalMs ?? LIMITS.socketPingIntervalMs;
    this.#heartbeat = every(systemClock, intervalMs, () => this.#ping(), { background: true });
  }

  /** For the HTTP server's `upgrade` event. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until ws takes over, a reset of the raw socket has no other listener.
    socket.on('error', () => socket.destroy());
    const { access } = this.#context.gate;
    const { headers } = request;
    const address = access.addressOf(request.socket.remoteAddress, headers['x-forwarded-for']?.toString());
    if (this.#closing) return refuse(socket, '503 Service Unavailable');
    try {
      access.requireOrigin(headers.origin, headers.host);
    } catch (error) {
      this.#count(error, address);
      return refuse(socket, '403 Forbidden');
    }
    const identity = await access.identify(upgradeToken(headers), address).catch(toGlimpseError);
    if (socket.destroyed) return undefined;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      if (identity instanceof GlimpseError) this.#turnAway(webSocket, identity, address);
      else this.#welcome(webSocket, identity);
    });
  }

  /** Sends `bye` on every socket; those that do not close within the grace are terminated. */
  async close(reason: string, graceMs: number): Promise<void> {
    this.#closing = true;
    this.#heartbeat.close();
    const sockets = [...this.#server.clients];
    const ended = Promise.all(sockets.map((socket) => new Promise((resolve) => void socket.once('close', resolve))));
    for (const { connection } of this.#held.values()) {
      connection.end(reason, { code: GOING_AWAY, retryAfterMs: LIMITS.retryAfterClosingMs });
    }
    const cut = systemClock.after(graceMs, () => sockets.forEach((socket) => socket.terminate()));
    await ended;
    cut.close();
    this.#server.close();
  }

  #welcome(socket: WebSocket, identity: Identity): void {
    const { key } = identity;
    const count = this.#counts.get(key) ?? 0;
    if (this.#closing) return this.#turnAway(socket, new GlimpseError('SERVER_CLOSING'), identity);
    if (count >= LIMITS.socketsPerUserMax) {
      const message = 'Too many connections of this user or address.';
      return this.#turnAway(socket, new GlimpseError('RATE_LIMITED', { message, retryAfterMs: 5_000 }), identity);
    }
    this.#counts.set(key, count + 1);
    const connection = new SignalConnection(socket, { ...this.#context, owners: this.#owners }, identity);
    this.#held.set(socket, { connection, identity, idleSinceMs: performance.now() });
    this.#alive.add(socket);
    socket.on('pong', () => this.#alive.add(socket));
    socket.on('message', (data, isBinary) => {
      this.#alive.add(socket);
      connection.receive(data as Buffer, isBinary);
    });
    // A protocol violation; ws closes the socket itself.
    socket.on('error', () => {});
    socket.on('close', (code) => this.#forget(socket, code));
  }

  #forget(socket: WebSocket, code: number): void {
    const held = this.#held.get(socket);
    if (!held) return;
    this.#held.delete(socket);
    const { key } = held.identity;
    const left = (this.#counts.get(key) ?? 1) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
    // Firefox closes the sockets of a page before the page learns that it is left, so it sends no `bye`.
    if (code === GOING_AWAY) held.connection.left();
    else held.connection.closed();
  }

  #turnAway(socket: WebSocket, error: GlimpseError, who: Identity | string): void {
    this.#count(error, who);
    socket.on('error', () => {});
    socket.send(JSON.stringify(errorMessage(error)));
    socket.close(POLICY_VIOLATION, error.code);
    // Does not wait for a client that fails to close.
    systemClock.after(LIMITS.serverCloseGraceMs, () => socket.terminate(), { background: true });
  }

  #count(thrown: unknown, who: Identity | string): void {
    const error = toGlimpseError(thrown);
    this.#context.metrics.countError(error.code);
    this.#context.gate.access.noteError(who, error);
    this.#context.errors.note(error, 'a socket was refused');
  }

  #ping(): void {
    const nowMs = performance.now();
    for (const [socket, held] of this.#held) {
      if (held.connection.hasSession) held.idleSinceMs = nowMs;
      if (!this.#alive.delete(socket)) socket.terminate();
      // The session stays for its grace: a viewer with a newer token resumes where they were.
      else if (this.#context.gate.access.hasExpired(held.identity))
        held.connection.end(TOKEN_EXPIRED, { code: POLICY_VIOLATION, retryAfterMs: EXPIRED_RETRY_MS });
      else if (nowMs - held.idleSinceMs > this.#idleMs) held.connection.end('there was no session for too long');
      else if (socket.readyState === socket.OPEN) socket.ping();
    }
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
