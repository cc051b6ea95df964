/**
 * The WebSocket of one ComfyUI server. It sends feature flags first, so that previews name their prompt. A lost socket
 * reconnects with the same client id, because the server sends a prompt's events to that id.
 */
import { WebSocket } from 'ws';
import { systemClock, type Timer } from '../../../clock.ts';
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

export class ComfySocket {
  readonly events = new Emitter<SocketEvents>();
  readonly #url: string;
  /** The address for logs, without user and password. */
  readonly #name: string;
  readonly #wanted: () => boolean;
  #socket: WebSocket | undefined;
  #opening: Promise<void> | undefined;
  #retry: Timer | undefined;
  #heldBytes = 0;
  #closed = false;

  /** `wanted`: whether to reconnect a lost socket now; otherwise the next `open` does. */
  constructor(base: URL, clientId: string, wanted: () => boolean) {
    const url = new URL(`ws?clientId=${clientId}`, base);
    url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#url = url.href;
    this.#name = withoutUserinfo(base);
    this.#wanted = wanted;
  }

  /** @throws GlimpseError GENERATOR_DOWN when the server does not answer */
  open(): Promise<void> {
    if (this.#closed) return Promise.reject(serverDown('The generator is closed.'));
    this.#opening ??= kept(this.#connect());
    return this.#opening;
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
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }));
      resolve();
    });
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', () => {
      reject(serverDown(`The WebSocket of ComfyUI at ${this.#name} cannot be opened.`, cause));
      this.#opening = undefined;
      this.events.emit('lost');
      this.#reconnect(RETRY_MS.first);
    });
    socket.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary));
    return promise;
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
