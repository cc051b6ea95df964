/**
 * What the page asked for while the link was being brought back: sent once it is there. Of each kind the newest counts, as
 * at the server, where a newer prompt overtakes one that waits; its answer goes to all that it stands for.
 */
import type { GlimpseClientError } from '../errors.ts';
import type { Accepted } from '../options.ts';
import type { Request } from './signaling-socket.ts';

interface Waiting {
  message: Request;
  answer: PromiseWithResolvers<Accepted>;
}

export class WaitingControls {
  /** By kind, in the order they were first asked for. */
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

  /** Sends all; what is lost again waits again through `send`. */
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

/** Parameters add up; all else is replaced. */
const merged = (older: Request, newer: Request): Request =>
  older.type === 'steer' && newer.type === 'steer' ? { ...older, ...newer } : newer;
