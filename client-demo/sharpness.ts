/** Decides whether the picture is fully refined, or has lacked it for long enough to tell the viewer. Pure. */
import type { PlayingEvent } from '../src/client/index.ts';
import { tierRank } from './tiers.ts';

/** `fast`: by the fast refiner. `unrefined`: by none. */
export type Sharpness = 'full' | 'fast' | 'unrefined';

type Playing = Pick<PlayingEvent, 'revision' | 'slice' | 'tier' | 'variant'>;

/** Consecutive slices before a change shows: a single slice may be late. */
const FAST_SLICES = 2;
const UNREFINED_SLICES = 3;

export class SharpnessNote {
  #now: Sharpness = 'full';
  /** The slice on screen, at its highest tier so far. */
  #playing: Playing | undefined;
  #fastSlices = 0;
  #unrefinedSlices = 0;

  get now(): Sharpness {
    return this.#now;
  }

  /** A new stream. */
  reset(): void {
    this.#now = 'full';
    this.#playing = undefined;
    this.#fastSlices = 0;
    this.#unrefinedSlices = 0;
  }

  /** A frame is on screen. */
  present(playing: Playing): void {
    const before = this.#playing;
    if (before && (before.revision !== playing.revision || before.slice !== playing.slice)) this.#end(before);
    this.#playing = playing;
    if (!isRefined(playing)) return;
    if (playing.variant !== 'fast') this.#be('full');
    else if (this.#now === 'unrefined' || this.#fastSlices + 1 >= FAST_SLICES) this.#be('fast');
  }

  #end(playing: Playing): void {
    // The first slice of a prompt is shown unrefined on purpose.
    if (playing.slice === 0) return;
    if (isRefined(playing)) {
      this.#unrefinedSlices = 0;
      this.#fastSlices = playing.variant === 'fast' ? this.#fastSlices + 1 : 0;
    } else if (++this.#unrefinedSlices >= UNREFINED_SLICES) this.#be('unrefined');
  }

  #be(sharpness: Sharpness): void {
    this.#now = sharpness;
    if (sharpness !== 'unrefined') this.#unrefinedSlices = 0;
    if (sharpness !== 'fast') this.#fastSlices = 0;
  }
}

const isRefined = ({ tier }: Playing): boolean => tierRank(tier) >= tierRank('refined');
