/**
 * What one signaling connection sends, in order. While an answer is being made, messages of the session wait, so that
 * the answer comes first. A reader that is too slow is dropped, so that its backlog stays bounded.
 */
import { LIMITS } from '../../src/limits.ts';
import type { Log } from '../../src/log.ts';
import type { ServerMessage } from '../protocol.ts';

/** The part of a WebSocket that the protocol uses. */
export interface SignalSocket {
  /** Bytes passed to `send` that the kernel has not accepted yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export class Outbox {
  readonly #socket: SignalSocket;
  readonly #log: Log;
  readonly #onTooSlow: () => void;
  #held: ServerMessage[] | undefined;
  #closed = false;

  /** @param onTooSlow called when the reader is dropped */
  constructor(socket: SignalSocket, log: Log, onTooSlow: () => void) {
    this.#socket = socket;
    this.#log = log;
    this.#onTooSlow = onTooSlow;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a message of the session, or holds it until the answer is out. */
  send(message: ServerMessage): void {
    if (this.#held) this.#held.push(message);
    else this.sendNow(message);
  }

  /** Sends a message that is never held: an answer, or an error. */
  sendNow(message: ServerMessage): void {
    if (this.#closed) return;
    this.#socket.send(JSON.stringify(message));
    if (this.#socket.bufferedAmount <= LIMITS.socketBacklogMaxBytes) return;
    this.#log.warn({ backlogBytes: this.#socket.bufferedAmount }, 'dropped a reader that is too slow');
    this.#onTooSlow();
    this.#socket.terminate();
  }

  /** Holds what `send` gets until `work` has ended. */
  async holding(work: () => Promise<void>): Promise<void> {
    this.#held = [];
    try {
      await work();
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const message of held) this.sendNow(message);
    }
  }

  /** Discards what is held: its session has failed. */
  discard(): void {
    if (this.#held) this.#held = [];
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true;
  }
}
