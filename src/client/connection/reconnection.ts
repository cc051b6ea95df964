/**
 * Decides when a live stream is broken and what follows: the same session, a new one, or the end. `recovery.ts`
 * repairs the link; `live.ts` informs the page.
 */
import { toClientError } from '../errors.ts';
import type { GlimpseClientError } from '../errors.ts';
import type { Link } from './link.ts';
import type { Accepted, Message } from '../options.ts';
import { recover, type Restart } from './recovery.ts';

/** End reason of a session when its server shuts down; a server may be back soon. */
const SERVER_CLOSING = 'server-closing';
const RESTART_WAIT_MS = 1_000;

export interface ReconnectionOptions {
  /** The request for a new session; undefined where a lost session is final. */
  lostRequest: (() => Restart) | undefined;
  /** Stops the reconnection silently. */
  signal: AbortSignal;
}

export interface ReconnectionListener {
  onBroken: (reason: string) => void;
  /**
   * @param accepted undefined when the session never stopped
   * @param newSessionId the session that replaces a lost one
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

  /** Does nothing if a reconnection is in progress. @param waitMs minimum delay before the first attempt */
  begin(reason: string, waitMs = 0): void {
    if (this.#underWay || this.#options.signal.aborted) return;
    this.#underWay = true;
    this.#listener.onBroken(reason);
    void this.#run(waitMs);
  }

  /**
   * The server ends the session: for a while (`retryAfterMs`), because the path is dead, or permanently.
   * @param wasConnected whether there ever was a path
   * @returns false when it is permanent
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
