/** The nodes of a cluster, with the last beat of each. Pure. */
import type { Beat } from '../wire/messages.ts';
import { Presence } from './presence.ts';

/** Nodes that are remembered; a flood of invented ones ends here. */
const MEMBERS_MAX = 16_384;

export class Members {
  readonly #beats = new Map<string, Beat>();
  readonly #presence = new Presence();

  get all(): readonly Beat[] {
    return [...this.#beats.values()];
  }

  get(id: string): Beat | undefined {
    return this.#beats.get(id);
  }

  /** @returns what the beat changed; `stale`: an older beat than the last one, or one node too many */
  take(beat: Beat, nowUs: number): 'joined' | 'seen' | 'stale' {
    const known = this.#beats.get(beat.id);
    if (known ? beat.count <= known.count : this.#beats.size >= MEMBERS_MAX) return 'stale';
    this.#beats.set(beat.id, beat);
    this.#presence.see(beat.id, nowUs);
    return known ? 'seen' : 'joined';
  }

  /** Removes who is gone, as `Presence.sweep`. */
  sweep(nowUs: number): string[] {
    const gone = this.#presence.sweep(nowUs);
    for (const id of gone) this.#beats.delete(id);
    return gone;
  }

  /** Nothing listens where it was; its next beat brings it back. */
  forget(id: string): void {
    this.#presence.forget(id);
    this.#beats.delete(id);
  }

  restart(nowUs: number): void {
    this.#presence.restart(nowUs);
  }
}
