/**
 * Whether a viewer watches. When they leave, they see nothing from that moment, so that the playhead of a stream that
 * has no other viewer stands at once and playback goes on from the frame left on screen. Their stream is worth computing
 * for a moment longer, because most viewers are back by then and should find no gap.
 */
import type { Clock, Timer } from '../clock.ts';
import { Emitter } from '../events.ts';
import { LIMITS } from '../limits.ts';
import type { PresenceFacts } from './facts.ts';

export class Presence {
  /** `changed`: the facts have changed. */
  readonly events = new Emitter<{ changed: [] }>();
  readonly #clock: Clock;
  #facts: PresenceFacts = { shown: true, watched: true };
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get facts(): PresenceFacts {
    return this.#facts;
  }

  left(): void {
    if (!this.#facts.shown) return;
    this.#set({ shown: false, watched: true });
    this.#wait();
  }

  /** The viewer is coming back: computing starts while the connection is made. */
  expected(): void {
    if (this.#facts.shown) return;
    this.#timer?.close();
    this.#set({ shown: false, watched: true });
  }

  /** The expected viewer did not arrive. */
  missed(): void {
    if (!this.#facts.shown) this.#wait();
  }

  back(): void {
    if (this.#facts.shown) return;
    this.#timer?.close();
    this.#set({ shown: true, watched: true });
  }

  close(): void {
    this.#timer?.close();
    this.events.clear();
  }

  #wait(): void {
    this.#timer?.close();
    this.#timer = this.#clock.after(LIMITS.unwatchedMs, () => this.#set({ shown: false, watched: false }));
  }

  #set(facts: PresenceFacts): void {
    this.#facts = facts;
    this.events.emit('changed');
  }
}
