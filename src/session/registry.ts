/** All sessions of a service: admission, look-up by unguessable id, resume by secret, and the end of them all. */
import { timingSafeEqual } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import type { Session, SessionOpening, SessionRegistry, User } from './contract.ts';
import { tracedSession } from '../tracing.ts';
import type { SessionDeps } from './session-deps.ts';
import { ViewerSession } from './session.ts';

export interface RegistryOptions {
  /** Sessions at once. */
  maxSessions: number;
  /** Called whenever the number of sessions changes. */
  onSize: (size: number) => void;
}

export class Sessions implements SessionRegistry {
  readonly #deps: SessionDeps;
  readonly #options: RegistryOptions;
  readonly #sessions = new Map<string, ViewerSession>();
  #closing = false;

  constructor(deps: SessionDeps, options: RegistryOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  async create(request: SessionOpening, user?: User): Promise<Session> {
    return this.#create(request, user);
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
    await Promise.all([...this.#sessions.values()].map((session) => session.close(reason)));
  }

  #create(request: SessionOpening, user: User | undefined): Session {
    if (this.#closing) throw new GlimpseError('SERVER_CLOSING');
    const { maxSessions, onSize } = this.#options;
    if (this.#sessions.size >= maxSessions)
      throw new GlimpseError('SESSION_LIMIT', { details: { maxSessions }, retryAfterMs: 5_000 });
    const session = tracedSession(request, () => new ViewerSession(request, this.#deps, user));
    this.#sessions.set(session.id, session);
    this.#deps.metrics.count('sessionsStarted', 1);
    session.events.on('closed', () => {
      this.#sessions.delete(session.id);
      onSize(this.#sessions.size);
    });
    onSize(this.#sessions.size);
    return session;
  }
}
