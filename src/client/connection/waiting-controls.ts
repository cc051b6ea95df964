/**
 * Controls requested during a recovery, sent once the link is up. Only the newest of each kind is sent, as on the
 * server, where a newer prompt replaces a waiting one. Its answer resolves all that it replaces.
 */
import type { GlimpseClientError } from '../errors.ts';
import type { Accepted } from '../options.ts';
import type { Request } from './signaling-socket.ts';

interface Waiting {
  message: Request;
  answer: PromiseWithResolvers<Accepted>;
}

export class WaitingControls {
  /** By kind, in the order first requested. */
  readonly #waiting = new Map<string, Waiting>();

  /** Resolves when it, or a newer one of its kind, is accepted. */
  add(message: Request): Promise<Accepted> {
    const kind = kindOf(message);
    const older = this.#waiting.get(kind);
    if (older) older.message = merged(older.message, message);
    const waiting = older ?? { message, answer: Promise.withResolvers<Accepted>() };
    this.#waiting.set(kind, waiting);
    return waiting.answer.promise;
  }

  /** Sends all; one whose link is lost again is queued again through `send`. */
  flush(send: (message: Request) => Promise<Accepted>): void {
    for (const { message, answer } of this.#take()) answer.resolve(send(message));
  }

  reject(error: GlimpseClientError): void {
    for (const { answer } of this.#take()) answer.reject(error);
  }

  #take(): Waiting[] {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    return waiting;
  }
}

const kindOf = ({ type }: Request): string => (type === 'pause' || type === 'play' ? 'running' : type);

/** Parameters are merged; any other kind is replaced. */
const merged = (older: Request, newer: Request): Request =>
  older.type === 'steer' && newer.type === 'steer' ? { ...older, ...newer } : newer;
