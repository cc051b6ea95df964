/**
 * The WebSocket of one ComfyUI server. It sends feature flags first, so that previews name their prompt. A lost socket
 * reconnects with the same client id, because the server sends a prompt's events to that id. Pings find connections
 * whose other end is gone.
 */
import { WebSocket } from 'ws';
import { every, systemClock, type Timer } from '../../../clock.ts';
import { Emitter } from '../../../events.ts';
import { parseBinaryEvent, type BinaryEvent } from './binary-event.ts';
import { serverDown, withoutUserinfo } from './server-error.ts';
import { parseTextEvent, type TextEvent } from './wire.ts';
import { kept } from '../../../lifetime/kept-promise.ts';

/** A PNG of 4096×2160 in its worst case. */
const MESSAGE_MAX_BYTES = 32 * 1024 * 1024;
/**
 * Bytes of pictures that wait to be decoded. Above this the socket is not read; at half of it reading resumes. Ten
 * pictures of 960×544: a server on the same network sends a batch several times as fast as two threads decode it.
 */
const HELD_MAX_BYTES = 8 * 1024 * 1024;
const OPEN_TIMEOUT_MS = 5_000;
/** Pauses between attempts; the first is at once, so that a dropped connection costs few frames. */
const RETRY_MS = { first: 50, most: 2_000 };

interface SocketEvents {
  text: [event: TextEvent];
  binary: [event: BinaryEvent];
  /** A message that is no event of the protocol. */
  malformed: [];
  /** The connection has ended; it reconnects while `wanted`. */
  lost: [];
  /** Connected again; messages sent meanwhile are lost. */
  reopened: [];
}

export interface ComfySocketOptions {
  /** Whether to reconnect a lost socket now; otherwise the next `open` does. */
  wanted: () => boolean;
  /** Time between pings, ms. */
  pingMs: number;
}

/** Where a client listens for the events of its prompts. */
function addressOf(base: URL, clientId: string): string {
  const url = new URL(`ws?clientId=${clientId}`, base);
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

export class ComfySocket {
  readonly events = new Emitter<SocketEvents>();
  readonly #base: URL;
  #url: string;
  /** The address for logs, without user and password. */
  readonly #name: string;
  readonly #wanted: () => boolean;
  #socket: WebSocket | undefined;
  #opening: Promise<void> | undefined;
  #retry: Timer | undefined;
  readonly #pingMs: number;
  #heldBytes = 0;
  #closed = false;

  constructor(base: URL, clientId: string, { wanted, pingMs }: ComfySocketOptions) {
    this.#base = base;
    this.#url = addressOf(base, clientId);
    this.#pingMs = pingMs;
    this.#name = withoutUserinfo(base);
    this.#wanted = wanted;
  }

  /** @throws GlimpseError GENERATOR_DOWN when the server does not answer */
  open(): Promise<void> {
    if (this.#closed) return Promise.reject(serverDown('The generator is closed.'));
    this.#opening ??= kept(this.#connect());
    return this.#opening;
  }

  /** Connects under another id; the connection under the old one ends. */
  renew(clientId: string): void {
    this.#url = addressOf(this.#base, clientId);
    const old = this.#socket;
    this.#socket = undefined;
    this.#opening = undefined;
    old?.terminate();
    this.#reconnect(RETRY_MS.first);
  }

  /** Counts `bytes` as waiting until `done` settles. Never rejects. */
  async hold(bytes: number, done: Promise<unknown>): Promise<void> {
    this.#heldBytes += bytes;
    if (this.#heldBytes > HELD_MAX_BYTES) this.#socket?.pause();
    await done.catch(() => {});
    this.#heldBytes -= bytes;
    if (this.#heldBytes <= HELD_MAX_BYTES / 2) this.#socket?.resume();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#retry?.close();
    this.#socket?.terminate();
    this.events.clear();
  }

  #connect(): Promise<void> {
    const socket = new WebSocket(this.#url, {
      maxPayload: MESSAGE_MAX_BYTES,
      handshakeTimeout: OPEN_TIMEOUT_MS,
      // PNG does not compress further, and inflating blocks the event loop.
      perMessageDeflate: false,
    });
    this.#socket = socket;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let cause: unknown;
    const pinging = this.#ping(socket);
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }));
      resolve();
    });
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', () => {
      pinging.close();
      reject(serverDown(`The WebSocket of ComfyUI at ${this.#name} cannot be opened.`, cause));
      if (this.#socket !== socket) return;
      this.#opening = undefined;
      this.events.emit('lost');
      this.#reconnect(RETRY_MS.first);
    });
    socket.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary));
    return promise;
  }

  /**
   * A connection whose other end is gone without a word stays open for minutes: one that answers nothing between two
   * pings is ended. While reading is paused, the answer may wait behind pictures.
   */
  #ping(socket: WebSocket): Timer {
    let heard = true;
    socket.on('pong', () => (heard = true));
    socket.on('message', () => (heard = true));
    return every(systemClock, this.#pingMs, () => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (!heard) return socket.terminate();
      heard = socket.isPaused;
      socket.ping();
    });
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      const event = parseBinaryEvent(data);
      if (event === undefined) this.events.emit('malformed');
      else this.events.emit('binary', event);
      return;
    }
    const event = parseTextEvent(data.toString('utf8'));
    if (event !== undefined) this.events.emit('text', event);
  }

  #reconnect(delayMs: number): void {
    this.#retry?.close();
    if (this.#closed || !this.#wanted()) return;
    this.#retry = systemClock.after(delayMs, () => {
      if (this.#closed || this.#opening !== undefined || !this.#wanted()) return;
      this.open().then(
        () => this.events.emit('reopened'),
        () => this.#reconnect(Math.min(delayMs * 2, RETRY_MS.most)),
      );
    });
  }
}
