/**
 * When a live stream is broken, and what it becomes: back with the same session, back with a new one, or ended. How a
 * link is brought back is `recovery.ts`; what the page hears of it is `live.ts`.
 */
import type { GenerationRequest } from '../wire.ts';
import { toClientError } from '../errors.ts';
import type { GlimpseClientError } from '../errors.ts';
import type { Link } from './link.ts';
import type { Accepted, Message } from '../options.ts';
import { recover } from './recovery.ts';

/** The reason a session ends with when its server does; another one, or the same again, may be there soon. */
const SERVER_CLOSING = 'server-closing';
const RESTART_WAIT_MS = 1_000;

export interface ReconnectionOptions {
  /** What a new session would be asked for; undefined where a lost session is the end. */
  lostRequest: (() => GenerationRequest) | undefined;
  /** Ends it without a word. */
  signal: AbortSignal;
}

export interface ReconnectionListener {
  onBroken: (reason: string) => void;
  /**
   * @param accepted undefined when the session never stopped
   * @param newSessionId the session that stands in for a lost one
   */
  onBack: (accepted: Accepted | undefined, newSessionId: string | undefined) => void;
  onGivenUp: (error: GlimpseClientError) => void;
}

export class Reconnection {
  readonly #link: Link;
  readonly #listener: ReconnectionListener;
  readonly #options: ReconnectionOptions;
  #underWay = false;

  constructor(link: Link, listener: ReconnectionListener, options: ReconnectionOptions) {
    this.#link = link;
    this.#listener = listener;
    this.#options = options;
  }

  get underWay(): boolean {
    return this.#underWay;
  }

  /** Nothing while one is under way already. @param waitMs least time before the first attempt */
  begin(reason: string, waitMs = 0): void {
    if (this.#underWay || this.#options.signal.aborted) return;
    this.#underWay = true;
    this.#listener.onBroken(reason);
    void this.#run(waitMs);
  }

  /**
   * The server ends the session: for a while (`retryAfterMs`), because the path is dead, or for good.
   * @param wasConnected whether there ever was a path
   * @returns false when it is for good
   */
  afterBye({ reason, retryAfterMs }: Message<'bye'>, wasConnected: boolean): boolean {
    const pathIsDead = wasConnected && this.#link.peerState !== 'connected';
    if (reason !== SERVER_CLOSING && retryAfterMs === undefined && !pathIsDead) return false;
    this.begin(reason, retryAfterMs ?? (reason === SERVER_CLOSING ? RESTART_WAIT_MS : 0));
    return true;
  }

  async #run(waitMs: number): Promise<void> {
    const link = this.#link;
    const { signal } = this.#options;
    const lostId = link.sessionId;
    try {
      const accepted = await recover(link, { ...this.#options, waitMs });
      if (signal.aborted) return;
      const { sessionId } = link;
      this.#underWay = false;
      this.#listener.onBack(accepted, sessionId === lostId ? undefined : sessionId);
      if (!link.socketIsOpen || link.peerState === 'failed') this.begin('The connection broke again.');
    } catch (thrown) {
      if (!signal.aborted) this.#listener.onGivenUp(toClientError(thrown));
    }
  }
}
