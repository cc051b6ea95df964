/** Where a session is in its life, and the deadline that runs there. The table is state.ts; the clock is here. */
import { LIMITS } from '../limits.ts';
import { DEADLINES, nextState, type SessionEvent, type SessionState } from './state.ts';

const DEADLINE = {
  connect: { ms: LIMITS.connectTimeoutMs, reason: 'connect-timeout' },
  resume: { ms: LIMITS.resumeGraceMs, reason: 'peer-gone' },
} as const;

export class Lifetime {
  readonly #onDeadline: (reason: string) => void;
  #state: SessionState = 'new';
  #timer: NodeJS.Timeout | undefined;

  /** @param onDeadline called once when the session has waited too long; its owner ends it. */
  constructor(onDeadline: (reason: string) => void) {
    this.#onDeadline = onDeadline;
    this.#arm();
  }

  get state(): SessionState {
    return this.#state;
  }

  apply(event: SessionEvent): void {
    const before = this.#state;
    this.#state = nextState(before, event);
    if (this.#state !== before) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const name = DEADLINES[this.#state];
    if (name === undefined) return;
    const { ms, reason } = DEADLINE[name];
    this.#timer = setTimeout(() => this.#onDeadline(reason), ms);
  }
}
