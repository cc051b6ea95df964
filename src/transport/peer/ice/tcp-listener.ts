/**
 * ICE over TCP (RFC 6544), passive side, for viewers without TURN on networks that block UDP. Each connection carries
 * the datagrams of the UDP port, framed by a 16-bit length (RFC 4571), and they pass the same checks. A connection
 * without an authenticated check in time is closed.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { systemClock, type Timer } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import type { DatagramStream, RemoteAddress } from './stun.ts';
import { frameHead, TcpFrames } from './tcp-frames.ts';

/** Concurrent connections, in total and per address: a browser makes one or two. */
const CONNECTIONS_MAX = 512;
const CONNECTIONS_PER_ADDRESS_MAX = 16;
/** Authenticated checks start with the first packet, and consent checks continue (RFC 7675). */
const PROOF_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 30_000;
/** Bytes queued for a slow reader; beyond it datagrams are dropped, which the estimator sees as loss. */
const BACKLOG_MAX_BYTES = 64 * 1024;

export interface TcpListenerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  onDatagram: (datagram: Buffer, from: RemoteAddress) => void;
  /** The connection of an address has closed. */
  onGone: (from: RemoteAddress) => void;
}

export class TcpListener {
  readonly port: number;
  readonly #server: Server;
  readonly #streams = new Set<TcpStream>();
  readonly #options: TcpListenerOptions;

  private constructor(server: Server, port: number, options: TcpListenerOptions) {
    this.#server = server;
    this.port = port;
    this.#options = options;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @throws GlimpseError CONFIG_INVALID when the address cannot be bound */
  static async bind(options: TcpListenerOptions): Promise<TcpListener> {
    const { host, port } = options;
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    }).catch((cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : 'the address is not available';
      const message = `The media port tcp ${host}:${port} cannot be bound: ${why}.`;
      throw new GlimpseError('CONFIG_INVALID', { message, details: { host, port, errno: cause.code }, cause });
    });
    const bound = server.address();
    return new TcpListener(server, typeof bound === 'object' && bound ? bound.port : port, options);
  }

  get connectionCount(): number {
    return this.#streams.size;
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    const { remoteAddress = '', remotePort = 0 } = socket;
    const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress;
    const same = [...this.#streams].filter((stream) => stream.address === address).length;
    if (this.#streams.size >= CONNECTIONS_MAX || same >= CONNECTIONS_PER_ADDRESS_MAX) {
      socket.destroy();
      return;
    }
    const stream = new TcpStream(socket, address);
    const from: RemoteAddress = { address, port: remotePort, stream };
    this.#streams.add(stream);
    socket.on('data', (bytes) => {
      for (const datagram of stream.take(bytes)) this.#options.onDatagram(datagram, from);
    });
    socket.on('close', () => {
      this.#streams.delete(stream);
      this.#options.onGone(from);
    });
  }
}

class TcpStream implements DatagramStream {
  readonly address: string;
  readonly #socket: Socket;
  readonly #proof: Timer;
  readonly #frames = new TcpFrames();

  constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.address = address;
    this.#proof = systemClock.after(PROOF_TIMEOUT_MS, () => this.destroy());
    socket.setTimeout(SILENCE_TIMEOUT_MS, () => this.destroy());
    // Treats a reset as an end.
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#proof.close());
  }

  /** The datagrams completed so far; the rest waits for more bytes. A frame that is too large ends the connection. */
  take(bytes: Buffer): Buffer[] {
    const datagrams = this.#frames.take(bytes);
    if (this.#frames.broken) this.destroy();
    return datagrams;
  }

  prove(): void {
    this.#proof.close();
  }

  send(datagram: Buffer): boolean {
    if (this.#socket.destroyed || this.#socket.writableLength > BACKLOG_MAX_BYTES) return false;
    this.#socket.cork();
    this.#socket.write(frameHead(datagram.length));
    this.#socket.write(datagram);
    this.#socket.uncork();
    return true;
  }

  destroy(): void {
    this.#proof.close();
    this.#socket.destroy();
  }
}
