/**
 * One WebSocket to `/signal`. `request` pairs a message with its answer by id, and fails when the socket does. It
 * never reconnects: `recovery.ts` decides that for the session.
 */
import type { ClientMessage, ProtocolVersion, ServerMessage } from '../wire.ts';
import { GlimpseClientError, aborted, connectionLost } from '../errors.ts';
import type { Message, Welcome } from '../options.ts';

const PROTOCOL: ProtocolVersion = 1;
/** A server that takes longer to open a socket or to answer counts as unreachable. */
const ANSWER_TIMEOUT_MS = 15_000;
/** Stats come once a second; this long without any means a half-open TCP connection. */
const SILENCE_TIMEOUT_MS = 8_000;

type Identified = Extract<ClientMessage, { id?: number | undefined }>;
type WithoutId<M> = M extends Identified ? Omit<M, 'id'> : never;
export type Request = WithoutId<Identified>;

interface Pending {
  reply: 'answer' | 'accepted';
  resolve: (message: Message<'answer'> & Message<'accepted'>) => void;
  reject: (error: GlimpseClientError) => void;
  timer: ReturnType<typeof setTimeout>;
}

export interface SocketListener {
  /** Every message in order, including answers; of errors, only those that reject no request. */
  onMessage: (message: ServerMessage) => void;
  /** Called once, when the socket closes without `close` having been called. */
  onLost: () => void;
}

export interface SocketAddress {
  url: URL;
  /** They include a token. */
  protocols: readonly string[];
}

export class SignalingSocket {
  readonly #socket: WebSocket;
  readonly #listener: SocketListener;
  readonly #pending = new Map<number, Pending>();
  readonly #welcome = Promise.withResolvers<Welcome>();
  #nextId = 1;
  #closed = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** An error that names no request: often why the server then closes the socket. */
  #lastError: GlimpseClientError | undefined;

  private constructor(socket: WebSocket, listener: SocketListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#welcome.promise.catch(() => {});
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
    socket.addEventListener('close', () => this.#lost());
  }

  /** Resolves when the socket is open; the welcome may still be on its way. */
  static async open(address: SocketAddress, listener: SocketListener, signal: AbortSignal): Promise<SignalingSocket> {
    if (signal.aborted) throw aborted();
    const socket = openWebSocket(address);
    const opening = new SignalingSocket(socket, listener);
    const opened = Promise.withResolvers<void>();
    const refuse = () => opened.reject(connectionLost('The server cannot be reached.'));
    const abort = () => opened.reject(aborted());
    const timer = setTimeout(refuse, ANSWER_TIMEOUT_MS);
    socket.addEventListener('open', () => opened.resolve());
    socket.addEventListener('error', refuse);
    socket.addEventListener('close', refuse);
    signal.addEventListener('abort', abort);
    try {
      await opened.promise;
      return opening;
    } catch (error) {
      opening.close();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  get isOpen(): boolean {
    return !this.#closed && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Rejects with GlimpseClientError: CONNECTION_LOST, or the server's reason for closing */
  get welcome(): Promise<Welcome> {
    return this.#welcome.promise;
  }

  send(message: ClientMessage): void {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  /**
   * Sends a message and waits for its answer of the given type.
   * @throws GlimpseClientError the server's error, or CONNECTION_LOST
   */
  request<Reply extends 'answer' | 'accepted'>(message: Request, reply: Reply): Promise<Message<Reply>> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        reject(this.#lastError ?? connectionLost('There is no connection to the server.'));
        return;
      }
      const id = this.#nextId++;
      const expire = () => this.#settle(id)?.reject(connectionLost('The server does not answer.'));
      this.#pending.set(id, { reply, resolve, reject, timer: setTimeout(expire, ANSWER_TIMEOUT_MS) });
      this.send({ ...message, id });
    });
  }

  /** Idempotent; pending requests fail with ABORTED. */
  close(): void {
    if (this.#closed) return;
    this.#end(aborted());
    this.#socket.close();
  }

  #receive(text: string): void {
    if (this.#closed) return;
    let message: ServerMessage;
    try {
      message = JSON.parse(text) as ServerMessage;
    } catch {
      return;
    }
    if (message.type === 'stats') this.#watchSilence();
    if (message.type === 'welcome') this.#greet(message);
    if (message.type === 'error' && this.#rejects(message)) return;
    this.#listener.onMessage(message);
    if (message.type === 'answer' || message.type === 'accepted') this.#resolve(message);
  }

  #greet(welcome: Welcome): void {
    if (welcome.protocol === PROTOCOL) return this.#welcome.resolve(welcome);
    const error = new GlimpseClientError('MESSAGE_INVALID', `The server speaks protocol ${String(welcome.protocol)}.`);
    this.#end(error);
    this.#socket.close();
    this.#listener.onLost();
  }

  #resolve(message: Message<'answer'> | Message<'accepted'>): void {
    const { id } = message;
    if (id === undefined || this.#pending.get(id)?.reply !== message.type) return;
    this.#settle(id)?.resolve(message as Message<'answer'> & Message<'accepted'>);
  }

  /** @returns whether the error answers a request */
  #rejects(message: Message<'error'>): boolean {
    const error = serverError(message);
    // A server whose queue is full may not have read the id of the message it refuses. Answers come in order, so the
    // error belongs to the oldest request.
    const [oldestId] = message.code === 'RATE_LIMITED' ? this.#pending.keys() : [];
    const id = message.id ?? oldestId;
    if (id === undefined) this.#lastError = error;
    else this.#settle(id)?.reject(error);
    return id !== undefined;
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    clearTimeout(pending?.timer);
    this.#pending.delete(id);
    return pending;
  }

  #watchSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#lost();
      this.#socket.close();
    }, SILENCE_TIMEOUT_MS);
  }

  #lost(): void {
    if (this.#closed) return;
    this.#end(this.#lastError ?? connectionLost('The connection to the server was lost.'));
    this.#listener.onLost();
  }

  #end(error: GlimpseClientError): void {
    this.#closed = true;
    clearTimeout(this.#silence);
    this.#welcome.reject(error);
    for (const id of this.#pending.keys()) this.#settle(id)?.reject(error);
  }
}

export const serverError = ({ code, message, retryable, retryAfterMs }: Message<'error'>): GlimpseClientError =>
  new GlimpseClientError(code as GlimpseClientError['code'], message, { retryable, retryAfterMs });

/** A browser rejects a token that is no valid subprotocol before it sends anything. */
function openWebSocket({ url, protocols }: SocketAddress): WebSocket {
  try {
    return new WebSocket(url, [...protocols]);
  } catch {
    throw new GlimpseClientError('UNAUTHORIZED', 'The token has characters that no token has.');
  }
}
