/**
 * Control messages in text form: the same for the data channel `control` and `POST …/control`. Also serves a session's
 * data channel; for WHEP viewers, who have no socket, that channel carries the session's events too.
 */
import { GlimpseError, toGlimpseError } from '../../src/errors.ts';
import { queueFull, SerialQueue } from '../../src/lifetime/serial-queue.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import { findId, readId, readMessage } from '../socket/message-reader.ts';
import { controlMessage } from '../protocol.ts';
import type { AcceptedMessage } from '../protocol.ts';
import type { SessionControls } from './session-controls.ts';
import { errorMessage, forwardEvents } from '../socket/session-messages.ts';

export type ControlReply = { accepted: AcceptedMessage } | { error: GlimpseError; id: number | undefined };

/** The result of a control message, at once or when its turn comes. */
export interface ControlAnswer {
  /** Whether messages after it should not wait for the reply. */
  waits: boolean;
  /** Never rejects: a refusal is also a reply. */
  reply: Promise<ControlReply>;
}

/** Reads and applies control text. Never throws. */
export function answerControl(controls: SessionControls, text: string): ControlAnswer {
  const reading = readMessage(controlMessage, text);
  if ('error' in reading) return { waits: false, reply: Promise.resolve(reading) };
  const { waits, reply } = controls.submit(reading.message);
  return {
    waits,
    reply: reply.then(
      (accepted) => ({ accepted }),
      (error: unknown) => ({ error: toGlimpseError(error), id: reading.id }),
    ),
  };
}

export interface ChannelOptions {
  controls: SessionControls;
  /** Send the session's events on the channel too. */
  events: boolean;
  onError: (error: GlimpseError) => void;
}

/** Answers a session's data channel until the session closes. */
export function serveDataChannel(session: Session, { controls, events, onError }: ChannelOptions): void {
  const queue = new SerialQueue(LIMITS.messagesPendingMax);
  const refuse = (error: GlimpseError, id?: number) => {
    onError(error);
    session.sendChannel(JSON.stringify(errorMessage(error, id)));
  };
  const send = async (reply: Promise<ControlReply>) => {
    const answer = await reply;
    if ('error' in answer) refuse(answer.error, answer.id);
    else session.sendChannel(JSON.stringify(answer.accepted));
  };
  const take = async (text: string) => {
    const { waits, reply } = answerControl(controls, text);
    if (waits) send(reply).catch((error: unknown) => onError(toGlimpseError(error)));
    else await send(reply);
  };
  session.events.on('channelMessage', (text) => {
    if (text.length > LIMITS.messageMaxBytes) refuse(new GlimpseError('MESSAGE_TOO_LARGE'), findId(text));
    else if (queue.isFull) refuse(queueFull(), readId(text));
    else queue.run(() => take(text)).catch((error: unknown) => onError(toGlimpseError(error)));
  });
  if (!events) return;
  forwardEvents(session, (message) => void session.sendChannel(JSON.stringify(message)));
}
