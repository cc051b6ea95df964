/**
 * Control text in, reply out: the same for the WebSocket, the data channel `control` and `POST …/control`. Also serves
 * a session's data channel, which for WHEP viewers, who have no socket, carries the session's events too.
 */
import { GlimpseError, toGlimpseError } from '../src/errors.ts';
import { LIMITS } from '../src/limits.ts';
import type { Session } from '../src/session/contract.ts';
import { readId, readMessage } from './message-reader.ts';
import { controlMessage } from './protocol.ts';
import type { AcceptedMessage, ControlMessage } from './protocol.ts';
import { SerialQueue } from './serial-queue.ts';
import { acceptedMessage, errorMessage, forwardEvents } from './session-messages.ts';

/**
 * Applies one control message.
 * @throws GlimpseError whatever the session refuses with
 */
export async function applyControl(session: Session, { id, ...control }: ControlMessage): Promise<AcceptedMessage> {
  return acceptedMessage(await session.control(control), id);
}

export type ControlReply = { accepted: AcceptedMessage } | { error: GlimpseError; id: number | undefined };

/** Reads and applies control text. Never throws: a refusal is a reply too. */
export async function answerControl(session: Session, text: string): Promise<ControlReply> {
  const reading = readMessage(controlMessage, text);
  if ('error' in reading) return reading;
  try {
    return { accepted: await applyControl(session, reading.message) };
  } catch (error) {
    return { error: toGlimpseError(error), id: reading.id };
  }
}

export interface ChannelOptions {
  /** Send the session's events on the channel too. */
  events: boolean;
  onError: (error: GlimpseError) => void;
}

/** Answers a session's data channel until the session closes. */
export function serveDataChannel(session: Session, { events, onError }: ChannelOptions): void {
  const queue = new SerialQueue(LIMITS.messagesPendingMax);
  const refuse = (error: GlimpseError, id?: number) => {
    onError(error);
    session.sendChannel(JSON.stringify(errorMessage(error, id)));
  };
  const answer = async (text: string) => {
    const reply = await answerControl(session, text);
    if ('error' in reply) refuse(reply.error, reply.id);
    else session.sendChannel(JSON.stringify(reply.accepted));
  };
  session.events.on('channelMessage', (text) => {
    if (text.length > LIMITS.messageMaxBytes) refuse(new GlimpseError('MESSAGE_TOO_LARGE'));
    else if (!queue.push(() => answer(text))) {
      refuse(new GlimpseError('RATE_LIMITED', { retryAfterMs: 1_000 }), readId(text));
    }
  });
  if (!events) return;
  forwardEvents(session, (message) => {
    // Candidates that come once a channel is open are of no use: the connection is there.
    if (message.type !== 'candidate') session.sendChannel(JSON.stringify(message));
  });
}
