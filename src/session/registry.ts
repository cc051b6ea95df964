/**
 * All sessions of a service: admission, look-up by unguessable id, resume by secret, and shutdown. A session whose
 * viewer is gone keeps its place until the service is full: then a new viewer gets the place of the session that has
 * waited longest.
 */
import { timingSafeEqual } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import type { VideoCodec } from '../media/encode/encoder.ts';
import { LIMITS } from '../limits.ts';
import type { Tier } from '../picture/tiers.ts';
import { Rooms, type RoomLimits } from '../rooms/rooms.ts';
import type { Stage } from '../viewer/stage.ts';
import type { Session, SessionOpening, SessionRegistry, User } from './contract.ts';
import { tracedSession } from '../tracing.ts';
import type { ViewerSession } from './session.ts';
import { startSession, type SessionDeps } from './start-session.ts';
import { kept } from '../lifetime/kept-promise.ts';

export interface RegistryOptions {
  /** Maximum number of concurrent sessions. */
  maxSessions: number;
  /** Default: `LIMITS.roomMembersMax` and `LIMITS.roomsPerUserMax`. */
  rooms?: RoomLimits | undefined;
  /** Called whenever the number of sessions changes. */
  onSize: (size: number) => void;
  /** Called with each error that a session reports to its viewer. */
  onError?: (error: Error) => void;
}

export class Sessions implements SessionRegistry {
  readonly #deps: SessionDeps;
  readonly #rooms: Rooms<Stage>;
  readonly #options: RegistryOptions;
  readonly #sessions = new Map<string, ViewerSession>();
  readonly #leaving = new Set<Promise<void>>();
  #closing = false;
  /**
   * Highest tier of a session that asks for none, as this machine was measured to sustain. Until then it is the
   * generator's best below `upscaled`: that tier needs a machine measured to sustain it.
   */
  usualTier: Tier = 'refined';

  constructor(deps: SessionDeps, options: RegistryOptions) {
    const { rooms = { members: LIMITS.roomMembersMax, perUser: LIMITS.roomsPerUserMax } } = options;
    this.#deps = deps;
    this.#options = options;
    this.#rooms = new Rooms(rooms);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Whether a new session would be refused. */
  get full(): boolean {
    return this.#sessions.size >= this.#options.maxSessions && this.#longestGone() === undefined;
  }

  async create(request: SessionOpening, user?: User): Promise<Session> {
    return this.#create(request, user);
  }

  checkOffer(offerSdp: string, codec: VideoCodec | undefined): void {
    const { peers, codecs } = this.#deps.viewer.link;
    peers.checkOffer(offerSdp, { codecs: codec === undefined ? codecs : [codec] });
  }

  hasRoom(name: string): boolean {
    return this.#rooms.find(name) !== undefined;
  }

  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new GlimpseError('SESSION_NOT_FOUND');
    return session;
  }

  resume(id: string, resumeToken: string): Session {
    const session = this.get(id);
    const expected = Buffer.from(session.resumeToken);
    const given = Buffer.from(resumeToken);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new GlimpseError('UNAUTHORIZED');
    return session;
  }

  async close(reason: string): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#leaving, ...[...this.#sessions.values()].map((session) => session.close(reason))]);
  }

  #create(request: SessionOpening, user: User | undefined): Session {
    if (this.#closing) throw new GlimpseError('SERVER_CLOSING');
    const { maxSessions, onSize } = this.#options;
    const gone = this.#sessions.size < maxSessions ? undefined : this.#longestGone();
    if (this.#sessions.size >= maxSessions && !gone)
      throw new GlimpseError('SESSION_LIMIT', { details: { maxSessions }, retryAfterMs: 5_000 });
    const session = tracedSession(request, () =>
      startSession(request, { ...this.#deps, rooms: this.#rooms, usualTier: this.usualTier }, user),
    );
    // Only now: a request refused for another reason must not end a waiting session.
    if (gone) this.#giveUp(gone);
    this.#sessions.set(session.id, session);
    const { metrics, onListenerError } = this.#deps.viewer;
    metrics.count('sessionsStarted', 1);
    if (onListenerError) session.events.onListenerError = onListenerError;
    session.events.on('error', (error) => this.#options.onError?.(error));
    session.events.on('closed', () => {
      if (this.#sessions.delete(session.id)) onSize(this.#sessions.size);
    });
    onSize(this.#sessions.size);
    return session;
  }

  #longestGone(): ViewerSession | undefined {
    const [longest] = [...this.#sessions.values()]
      .filter(({ goneSinceUs }) => goneSinceUs !== undefined)
      .toSorted((a, b) => (a.goneSinceUs ?? 0) - (b.goneSinceUs ?? 0));
    return longest;
  }

  /** Frees the place at once. Closing takes a moment, and `close` waits for it. */
  #giveUp(session: ViewerSession): void {
    this.#sessions.delete(session.id);
    const closed = kept(session.close('place-taken').finally(() => this.#leaving.delete(closed)));
    this.#leaving.add(closed);
  }
}
