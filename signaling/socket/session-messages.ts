/** Converts a session's events and answers to protocol messages. Only this file knows both vocabularies. */
import { toGlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Accepted, Session } from '../../src/session/contract.ts';
import type { AcceptedMessage, ServerMessage } from '../protocol.ts';

/** The end reason of sessions when the server shuts down. */
export const SERVER_CLOSING = 'server-closing';

export type ErrorMessage = Extract<ServerMessage, { type: 'error' }>;

const withId = (id: number | undefined): { id?: number } => (id === undefined ? {} : { id });

export function acceptedMessage(accepted: Accepted, id?: number): AcceptedMessage {
  return { type: 'accepted', ...withId(id), ...accepted };
}

export function errorMessage(error: unknown, id?: number): ErrorMessage {
  return { type: 'error', ...withId(id), ...toGlimpseError(error).toJSON() };
}

/**
 * Sends every event of a session as a message until it closes.
 * @returns stops it
 */
export function forwardEvents(session: Session, send: (message: ServerMessage) => void): () => void {
  const { events } = session;
  const stops = [
    events.on('tier', (event) => send({ type: 'tier', ...event })),
    events.on('playing', (event) => send({ type: 'playing', ...event })),
    events.on('queue', (event) => send({ type: 'queue', ...event })),
    events.on('progress', (event) => send({ type: 'progress', ...event })),
    events.on('stats', (stats) => send({ type: 'stats', stats })),
    events.on('room', (event) => send({ type: 'room', ...event })),
    events.on('steered', (event) => send({ type: 'steered', ...event })),
    events.on('error', (error) => send(errorMessage(error))),
    events.on('closed', (reason) => {
      send({ type: 'bye', reason, ...(reason === SERVER_CLOSING ? { retryAfterMs: LIMITS.retryAfterClosingMs } : {}) });
      stop();
    }),
  ];
  const stop = () => stops.forEach((off) => off());
  if (session.room) send({ type: 'room', ...session.room });
  return stop;
}
