/**
 * Whether somebody watches a session. While nobody does, its playhead stands at once, so that a viewer who comes back
 * goes on with the frame that was left on screen; computing goes on for a moment, because most are back by then and
 * shall find no gap, and then stops. Nothing that was made is dropped.
 */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Playout } from '../timeline/playout.ts';

export interface PresenceOptions {
  clock: Clock;
  playout: Playout;
  /** Computing may go on, or may not any more, or has another picture to care for: one that stands may be made better. */
  onChange: () => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #away = false;
  /** The playhead stands because nobody watches, not because the viewer stopped it. */
  #held = false;
  #computes = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** False once nobody has watched for `LIMITS.unwatchedMs`. */
  get computes(): boolean {
    return this.#computes;
  }

  /** Whether the viewer has stopped the pictures. */
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

  /** A viewer is on the way back: what lies ahead is made while the path is found. */
  expected(): void {
    if (!this.#away) return;
    clearTimeout(this.#timer);
    this.#setComputes(true);
  }

  /** The viewer who was expected did not get here after all. */
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

  /** The viewer's own pause and play, which may also come by HTTP while nobody watches. */
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
