/**
 * The session's video time: for every slice the best rendition so far. Two rules live here and nowhere else: a tier
 * never falls back within a revision, and a newer revision takes over only when its first picture is there, so that
 * steering never shows a hole. Pure: no clock, no I/O.
 */
import type { Rendition } from '../generation/generator.ts';
import { improves, type Tier } from '../generation/tiers.ts';
import type { I420Frame } from '../media/frame.ts';

export interface TimelineFrame {
  frame: I420Frame;
  revision: number;
  slice: number;
  tier: Tier;
  /** Index of the frame within its revision. */
  frameIndex: number;
}

/** What became of a rendition that was handed in. `switched`: it is the first picture of a newer revision. */
export type Placement = 'placed' | 'switched' | 'stale' | 'lower';

interface Entry {
  tier: Tier;
  frames: I420Frame[];
}

export class Timeline {
  readonly framesPerSlice: number;
  #revision = -1;
  #slices = new Map<number, Entry>();

  constructor(framesPerSlice: number) {
    this.framesPerSlice = framesPerSlice;
  }

  /** The revision whose pictures play; -1 before the first picture. */
  get revision(): number {
    return this.#revision;
  }

  /** Slices held in memory. */
  get sliceCount(): number {
    return this.#slices.size;
  }

  put(rendition: Rendition): Placement {
    if (rendition.revision < this.#revision) return 'stale';
    const switched = rendition.revision > this.#revision;
    if (switched) {
      this.#revision = rendition.revision;
      this.#slices = new Map();
    }
    if (!improves(rendition.tier, this.#slices.get(rendition.slice)?.tier)) return 'lower';
    this.#slices.set(rendition.slice, { tier: rendition.tier, frames: rendition.frames });
    return switched ? 'switched' : 'placed';
  }

  tierOf(slice: number): Tier | undefined {
    return this.#slices.get(slice)?.tier;
  }

  /** The best rendition of a slice, to take over into another revision. */
  bestOf(slice: number): Readonly<Entry> | undefined {
    return this.#slices.get(slice);
  }

  frameAt(frameIndex: number): TimelineFrame | undefined {
    const slice = Math.floor(frameIndex / this.framesPerSlice);
    const entry = this.#slices.get(slice);
    const frame = entry?.frames[frameIndex - slice * this.framesPerSlice];
    if (!entry || !frame) return undefined;
    return { frame, revision: this.#revision, slice, tier: entry.tier, frameIndex };
  }

  /** Forgets what lies behind: a live timeline keeps only what can still be shown. */
  dropBefore(slice: number): void {
    for (const held of this.#slices.keys()) if (held < slice) this.#slices.delete(held);
  }
}
