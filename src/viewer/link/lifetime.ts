/** The state of a link and the deadline of that state. state.ts holds the table; the timer is here. */
import type { Clock, Timer } from '../../clock.ts';
import { LIMITS } from '../../limits.ts';
import { DEADLINES, nextState, type LinkEvent, type LinkState } from './state.ts';

const REASON = { connect: 'connect-timeout', resume: 'peer-gone' } as const;

export interface LifetimeOptions {
  clock: Clock;
  /** How long a link whose peer is gone waits for the viewer's return; 0 ends it with its connection. */
  resumeGraceMs: number;
  /** Called once when the link has waited too long; its owner then ends it. */
  onDeadline: (reason: string) => void;
}

export class Lifetime {
  readonly #options: LifetimeOptions;
  #state: LinkState = 'new';
  #timer: Timer | undefined;
  #sinceUs = 0;

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#arm();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Start of the wait for the viewer's return; undefined while the viewer is present or expected. */
  get goneSinceUs(): number | undefined {
    return this.#state === 'waiting' ? this.#sinceUs : undefined;
  }

  apply(event: LinkEvent): void {
    const before = this.#state;
    this.#state = nextState(before, event);
    if (this.#state === before) return;
    this.#sinceUs = this.#options.clock.nowUs();
    this.#arm();
  }

  #arm(): void {
    this.#timer?.close();
    const name = DEADLINES[this.#state];
    if (name === undefined) return;
    const { clock, resumeGraceMs, onDeadline } = this.#options;
    const ms = name === 'connect' ? LIMITS.connectTimeoutMs : resumeGraceMs;
    this.#timer = clock.after(ms, () => onDeadline(REASON[name]));
  }
}
