/** Where a session is in its life, and the deadline that runs there. The table is state.ts; the clock is here. */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import { DEADLINES, nextState, type SessionEvent, type SessionState } from './state.ts';

const REASON = { connect: 'connect-timeout', resume: 'peer-gone' } as const;

export interface LifetimeOptions {
  clock: Clock;
  /** How long a session whose peer is gone waits for `resume`; 0 ends it with its connection. */
  resumeGraceMs: number;
  /** Called once when the session has waited too long; its owner ends it. */
  onDeadline: (reason: string) => void;
}

export class Lifetime {
  readonly #options: LifetimeOptions;
  #state: SessionState = 'new';
  #timer: NodeJS.Timeout | undefined;
  #sinceUs = 0;

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#arm();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Since when it waits for its viewer to come back; undefined while he is there or expected. */
  get goneSinceUs(): number | undefined {
    return this.#state === 'waiting' ? this.#sinceUs : undefined;
  }

  apply(event: SessionEvent): void {
    const before = this.#state;
    this.#state = nextState(before, event);
    if (this.#state === before) return;
    this.#sinceUs = this.#options.clock.nowUs();
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const name = DEADLINES[this.#state];
    if (name === undefined) return;
    const { resumeGraceMs, onDeadline } = this.#options;
    const ms = name === 'connect' ? LIMITS.connectTimeoutMs : resumeGraceMs;
    this.#timer = setTimeout(() => onDeadline(REASON[name]), ms);
  }
}
