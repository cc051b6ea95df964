/**
 * The protocol of one `/signal` connection: `welcome`, then offer, restart, candidate, resume, control, bye. Bad input
 * gets an `error` and changes nothing. A socket that dies without `bye` leaves its session alive for `resume`; the
 * registry decides for how long.
 */
import { sleep, systemClock } from '../../src/clock.ts';
import { GlimpseError, assertNever, toGlimpseError } from '../../src/errors.ts';
import { queueFull, SerialQueue } from '../../src/lifetime/serial-queue.ts';
import { LIMITS } from '../../src/limits.ts';
import type { ErrorLog } from '../../src/error-log.ts';
import type { Log } from '../../src/log.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import type { Session } from '../../src/session/contract.ts';
import type { Identity } from '../access/identity.ts';
import type { TokenBucket } from '../access/token-bucket.ts';
import { serveDataChannel } from '../control/control-channel.ts';
import type { Gate } from '../gate.ts';
import { findId, readId, readMessage, refusal } from './message-reader.ts';
import { clientMessage } from '../protocol.ts';
import type { ClientMessage, ControlMessage, ServerMessage } from '../protocol.ts';
import { tooFast } from '../control/session-controls.ts';
import { Outbox } from './outbox.ts';
import type { SignalSocket } from './outbox.ts';
import { acceptedMessage, errorMessage, forwardEvents } from './session-messages.ts';

export interface SignalContext {
  gate: Gate;
  /** The greeting of a new connection; created each time, because it carries credentials that expire. */
  welcome: () => ServerMessage;
  /** The connection that controls each session; a resume takes it over. Shared by all connections of a server. */
  owners: Map<string, SignalConnection>;
  metrics: Metrics;
  log: Log;
  errors: ErrorLog;
}

/** RFC 6455 7.4.1. */
export const POLICY_VIOLATION = 1008;

type Of<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>;

export class SignalConnection {
  readonly #socket: SignalSocket;
  readonly #outbox: Outbox;
  readonly #context: SignalContext;
  readonly #identity: Identity;
  readonly #rate: TokenBucket;
  readonly #queue = new SerialQueue(LIMITS.messagesPendingMax);
  #session: Session | undefined;
  #stopEvents: () => void = () => {};
  #candidates = 0;

  constructor(socket: SignalSocket, context: SignalContext, identity: Identity) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket, context.log, () => this.closed());
    this.#context = context;
    this.#identity = identity;
    this.#rate = context.gate.access.messageBucket(identity);
    this.#outbox.send(context.welcome());
  }

  get hasSession(): boolean {
    return this.#session !== undefined;
  }

  /** One message as received. */
  receive(data: Buffer, isBinary: boolean): void {
    const delayMs = this.#delayMs();
    if (delayMs === undefined) return;
    const waitMs = this.#rate.take(performance.now());
    // Refused without parsing, the cost a flood aims at; only the id is searched for.
    if (waitMs > 0) return this.#fail(tooFast(waitMs), isBinary ? undefined : findId(data.toString('latin1')));
    const refused = refusal(data, isBinary);
    if (this.#queue.isFull) return this.#fail(queueFull(), refused ? undefined : readId(data.toString()));
    this.#queue.run(() => this.#take(data, refused, delayMs)).catch((error: unknown) => this.#fail(error));
  }

  /** The socket is gone, for any reason. The session stays. */
  closed(): void {
    const session = this.#session;
    this.#outbox.close();
    this.#detach();
    if (session) this.#context.gate.access.setLeft(session.id, true);
  }

  /** The browser left the page (status 1001): no viewer will resume its session. */
  left(): void {
    const session = this.#session;
    this.closed();
    session?.close('the viewer left').catch(() => {});
  }

  /** Sends `bye` and closes the socket; the session stays. */
  end(reason: string, { code = 1000, retryAfterMs }: { code?: number; retryAfterMs?: number } = {}): void {
    if (this.#outbox.closed) return;
    this.#outbox.sendNow({ type: 'bye', reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    this.closed();
    this.#socket.close(code, reason);
  }

  /** Delay before this client's next message; undefined when no more messages are read. */
  #delayMs(): number | undefined {
    if (this.#outbox.closed) return undefined;
    try {
      return this.#context.gate.access.messageDelayMs(this.#identity);
    } catch (error) {
      this.#fail(error);
      this.end('too much had to be refused', { code: POLICY_VIOLATION });
      return undefined;
    }
  }

  async #take(data: Buffer, refused: GlimpseError | undefined, delayMs: number): Promise<void> {
    if (delayMs > 0) await sleep(systemClock, delayMs);
    if (refused) this.#fail(refused, findId(data.toString('latin1')));
    else await this.#handle(data.toString());
  }

  async #handle(text: string): Promise<void> {
    if (this.#outbox.closed) return;
    const reading = readMessage(clientMessage, text);
    if ('error' in reading) return this.#fail(reading.error, reading.id);
    try {
      await this.#dispatch(reading.message);
    } catch (error) {
      this.#fail(error, reading.id);
    }
  }

  async #dispatch(message: ClientMessage): Promise<void> {
    switch (message.type) {
      case 'offer':
        return this.#offer(message);
      case 'restart':
        return this.#restart(message);
      case 'candidate':
        return this.#candidate(message);
      case 'resume':
        return this.#resume(message);
      case 'prompt':
      case 'steer':
      case 'pause':
      case 'play':
      case 'seek':
      case 'share':
      case 'endRoom':
        return this.#control(message);
      case 'report':
        return this.#require().report(message);
      case 'bye':
        return this.#bye();
      default:
        return assertNever(message);
    }
  }

  async #offer({ id, sdp, request, room }: Of<'offer'>): Promise<void> {
    if (this.#session) throw new GlimpseError('SESSION_EXISTS');
    const { gate } = this.#context;
    const identity = this.#identity;
    const onCreated = (session: Session) => {
      serveDataChannel(session, {
        controls: gate.controlsOf(session),
        events: false,
        onError: (error) => this.#count(error),
      });
      this.#attach(session);
    };
    await this.#outbox.holding(async () => {
      try {
        const { session, answerSdp } = await gate.open({ identity, request, room, offerSdp: sdp, onCreated });
        // Without the answer the viewer knows neither id nor token, so this session could not be resumed.
        if (this.#outbox.closed) return await session.close('the viewer left before the answer');
        this.#answer(session, answerSdp, id);
      } catch (error) {
        this.#detach();
        this.#outbox.discard();
        throw error;
      }
    });
    if (this.#session) await this.#accept(this.#session, id);
  }

  async #restart({ id, sdp }: Of<'restart'>): Promise<void> {
    const session = this.#require();
    this.#context.gate.access.requireSession(this.#identity, session.id);
    await this.#outbox.holding(async () => this.#answer(session, await session.restart(sdp), id));
  }

  async #resume({ id, sessionId, resumeToken, sdp }: Of<'resume'>): Promise<void> {
    if (this.#session && this.#session.id !== sessionId) throw new GlimpseError('SESSION_EXISTS');
    const { gate } = this.#context;
    const session = gate.resume(sessionId, resumeToken, this.#identity);
    // Before the session is taken over: a refused offer leaves it with the connection that has it.
    if (sdp !== undefined) gate.registry.checkOffer(sdp, undefined);
    await this.#outbox.holding(async () => {
      this.#attach(session);
      if (sdp !== undefined) this.#answer(session, await session.answer(sdp), id);
    });
    await this.#accept(session, id);
  }

  async #control(message: ControlMessage): Promise<void> {
    const { waits, reply } = this.#context.gate.controlsOf(this.#require()).submit(message);
    if (!waits) return this.#outbox.send(await reply);
    // A prompt that waits for its turn does not block; a later prompt's revision may answer it.
    reply.then(
      (accepted) => this.#outbox.send(accepted),
      (error: unknown) => this.#fail(error, message.id),
    );
  }

  async #candidate({ candidate }: Of<'candidate'>): Promise<void> {
    const session = this.#require();
    if (++this.#candidates > LIMITS.candidatesMax) {
      throw new GlimpseError('CANDIDATE_INVALID', {
        message: `This connection has sent more than ${LIMITS.candidatesMax} candidates.`,
      });
    }
    await session.addCandidate(candidate);
  }

  async #bye(): Promise<void> {
    const session = this.#session;
    this.#detach();
    await session?.close('the viewer left');
    this.end('the viewer left');
  }

  async #accept(session: Session, id: number | undefined): Promise<void> {
    this.#outbox.send(acceptedMessage(await session.accepted, id));
  }

  #require(): Session {
    if (!this.#session) throw new GlimpseError('NO_SESSION');
    return this.#session;
  }

  #attach(session: Session): void {
    const { owners } = this.#context;
    const owner = owners.get(session.id);
    if (owner !== this) owner?.end('the session was resumed on another connection');
    this.#detach();
    owners.set(session.id, this);
    this.#context.gate.access.setLeft(session.id, false);
    this.#session = session;
    this.#stopEvents = forwardEvents(session, (message) => {
      this.#outbox.send(message);
      if (message.type === 'bye') this.#detach();
    });
  }

  #detach(): void {
    const { owners } = this.#context;
    this.#stopEvents();
    if (this.#session && owners.get(this.#session.id) === this) owners.delete(this.#session.id);
    this.#session = undefined;
  }

  #answer({ id: sessionId, resumeToken }: Session, sdp: string, id: number | undefined): void {
    this.#candidates = 0;
    this.#outbox.sendNow({ type: 'answer', ...(id === undefined ? {} : { id }), sdp, sessionId, resumeToken });
  }

  #fail(error: unknown, id?: number): void {
    const failure = toGlimpseError(error);
    this.#count(failure);
    this.#context.errors.note(failure, 'a signaling message failed');
    // Never held back: it answers a message, not the session. A failed offer discards held messages.
    this.#outbox.sendNow(errorMessage(failure, id));
  }

  #count(error: GlimpseError): void {
    this.#context.metrics.countError(error.code);
    this.#context.gate.access.noteError(this.#identity, error);
  }
}
