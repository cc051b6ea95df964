/**
 * Whether a viewer watches a session. When the viewer leaves, the playhead stops at once, so that on return playback
 * continues from the frame left on screen. Computing goes on for a moment, because most viewers are back by then and
 * should find no gap; then it stops. Everything computed is kept.
 */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Playout } from '../stream/timeline/playout.ts';

export interface PresenceOptions {
  clock: Clock;
  playout: Playout;
  /** Computing may start or must stop, or pause has changed: the planner treats a paused picture differently. */
  onChange: () => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #away = false;
  /** The playhead stands because the viewer is away, not because they paused. */
  #held = false;
  #computes = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** False once the session has been unwatched for `LIMITS.unwatchedMs`. */
  get computes(): boolean {
    return this.#computes;
  }

  /** Whether the viewer has paused. */
  get paused(): boolean {
    return this.#options.playout.paused && !this.#held;
  }

  left(): void {
    if (this.#away) return;
    const { playout } = this.#options;
    this.#away = true;
    this.#held = !playout.paused;
    playout.pause();
    this.#wait();
  }

  /** A viewer is coming back: computing starts while the connection is made. */
  expected(): void {
    if (!this.#away) return;
    clearTimeout(this.#timer);
    this.#setComputes(true);
  }

  /** The expected viewer did not arrive. */
  missed(): void {
    if (this.#away) this.#wait();
  }

  back(): void {
    if (!this.#away) return;
    this.#away = false;
    clearTimeout(this.#timer);
    this.#setComputes(true);
    if (this.#held) this.#options.playout.play(this.#options.clock.nowUs());
    this.#held = false;
  }

  /** The viewer's own pause and play; HTTP may deliver these while the session is unwatched. */
  pause(): void {
    this.#held = false;
    this.#options.playout.pause();
    this.#options.onChange();
  }

  play(): void {
    if (this.#away) this.#held = true;
    else this.#options.playout.play(this.#options.clock.nowUs());
    this.#options.onChange();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#setComputes(false), LIMITS.unwatchedMs);
  }

  #setComputes(computes: boolean): void {
    if (computes === this.#computes) return;
    this.#computes = computes;
    this.#options.onChange();
  }
}
