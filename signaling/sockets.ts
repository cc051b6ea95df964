/** WebSockets under `/signal`: upgrades, keepalive and the end of all of them. What is said on one is in `ws.ts`. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { LIMITS } from '../src/limits.ts';
import { SignalConnection } from './ws.ts';
import type { SignalContext } from './ws.ts';

/** Milliseconds a viewer should wait before it looks for another server. */
const RETRY_AFTER_MS = 1_000;
/** RFC 6455 7.4.1: the server is going away. */
const GOING_AWAY = 1001;

export class SignalSockets {
  readonly #context: Omit<SignalContext, 'owners'>;
  readonly #owners: SignalContext['owners'] = new Map();
  readonly #connections = new Map<WebSocket, SignalConnection>();
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.messageHardMaxBytes,
    // SDP compresses well, but a compressor per socket costs more memory than all its messages.
    perMessageDeflate: false,
  });
  readonly #heartbeat: NodeJS.Timeout;
  /** Sockets that have answered since the last ping. */
  readonly #alive = new WeakSet<WebSocket>();
  #closing = false;

  constructor(context: Omit<SignalContext, 'owners'>, pingIntervalMs: number = LIMITS.socketPingIntervalMs) {
    this.#context = context;
    this.#heartbeat = setInterval(() => this.#ping(), pingIntervalMs);
    this.#heartbeat.unref();
  }

  /** For the HTTP server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until ws takes over, a reset of the raw socket has no other listener.
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?')[0];
    if (path !== '/signal') return refuse(socket, '404 Not Found');
    if (this.#closing) return refuse(socket, '503 Service Unavailable');
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#welcome(webSocket));
  }

  /** Says `bye` on every socket; those that do not close within the grace are cut. */
  async close(reason: string, graceMs: number): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    const sockets = [...this.#connections.keys()];
    const ended = Promise.all(sockets.map((socket) => new Promise((resolve) => void socket.once('close', resolve))));
    for (const connection of this.#connections.values()) {
      connection.end(reason, { code: GOING_AWAY, retryAfterMs: RETRY_AFTER_MS });
    }
    const cut = setTimeout(() => sockets.forEach((socket) => socket.terminate()), graceMs);
    await ended;
    clearTimeout(cut);
    this.#server.close();
  }

  #welcome(socket: WebSocket): void {
    const connection = new SignalConnection(socket, { ...this.#context, owners: this.#owners });
    this.#connections.set(socket, connection);
    this.#alive.add(socket);
    socket.on('pong', () => this.#alive.add(socket));
    socket.on('message', (data, isBinary) => {
      this.#alive.add(socket);
      connection.receive(data as Buffer, isBinary);
    });
    // A protocol violation; ws closes the socket itself.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#connections.delete(socket);
      connection.closed();
    });
  }

  #ping(): void {
    for (const socket of this.#connections.keys()) {
      if (!this.#alive.delete(socket)) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.ping();
    }
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
