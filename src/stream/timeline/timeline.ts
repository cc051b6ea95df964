/**
 * The session's video time: the best picture so far for every frame. Only this file holds two rules. A frame's tier
 * never falls within a revision, and a later draft replaces an earlier one. A newer revision takes over only when its first picture is ready, so that steering
 * shows no gap. A tier may arrive in runs of frames, and each run counts at once. Pure: no clock, no I/O.
 */
import type { Rendition } from '../../generation/generator.ts';
import {
  gradeOf,
  improves,
  lowerGrade,
  tierOfGrade,
  variantOfGrade,
  type Grade,
  type Variant,
} from '../../generation/grades.ts';
import type { Tier } from '../../picture/tiers.ts';
import type { I420Frame } from '../../picture/frame.ts';
import type { Sound } from '../../picture/sound.ts';

export interface TimelineFrame {
  frame: I420Frame;
  revision: number;
  slice: number;
  tier: Tier;
  /** How the tier was made. */
  variant: Variant;
  /** Index of the frame within its revision. */
  frameIndex: number;
}

/** Outcome of `put`. `switched`: the rendition is the first picture of a newer revision. */
export type Placement = 'placed' | 'switched' | 'stale' | 'lower';

const madeAs = (grade: Grade) => ({ tier: tierOfGrade(grade), variant: variantOfGrade(grade) });

/** A slice that has every frame. */
interface WholeSlice {
  /** The lowest tier and variant of its frames. */
  tier: Tier;
  variant: Variant;
  frames: I420Frame[];
  /** The best sound that came with it. */
  audio?: Sound | undefined;
}

type Place = { grade: Grade; frame: I420Frame } | undefined;

const replaces = (grade: Grade, placed: Grade | undefined): boolean =>
  improves(grade, placed) || (grade === 'draft' && placed === 'draft');

export class Timeline {
  readonly framesPerSlice: number;
  #revision = -1;
  #slices = new Map<number, Place[]>();
  #sounds = new Map<number, Sound>();

  constructor(framesPerSlice: number) {
    this.framesPerSlice = framesPerSlice;
  }

  /** The revision that plays; -1 before the first picture. */
  get revision(): number {
    return this.#revision;
  }

  /** Slices held in memory. */
  get sliceCount(): number {
    return this.#slices.size;
  }

  put(rendition: Rendition): Placement {
    const { revision, slice, frames, firstFrame = 0 } = rendition;
    const grade = gradeOf(rendition);
    if (revision < this.#revision) return 'stale';
    const switched = revision > this.#revision;
    if (switched) {
      this.#revision = revision;
      this.#slices = new Map();
      this.#sounds = new Map();
    }
    const places = this.#slices.get(slice) ?? Array.from<Place>({ length: this.framesPerSlice });
    this.#slices.set(slice, places);
    let better = false;
    for (const [offset, frame] of frames.entries()) {
      const index = firstFrame + offset;
      if (index >= places.length || !replaces(grade, places[index]?.grade)) continue;
      places[index] = { grade, frame };
      better = true;
    }
    if (!better) return 'lower';
    if (rendition.audio) this.#sounds.set(slice, rendition.audio);
    return switched ? 'switched' : 'placed';
  }

  /** Tier of the whole slice; undefined while a frame is missing. */
  tierOf(slice: number): Tier | undefined {
    return this.bestOf(slice)?.tier;
  }

  /** The best pictures of a slice, for another revision to take over; undefined while one is missing. */
  bestOf(slice: number): Readonly<WholeSlice> | undefined {
    const places = this.#slices.get(slice)?.filter((place) => place !== undefined) ?? [];
    const [first, ...others] = places;
    if (first === undefined || places.length < this.framesPerSlice) return undefined;
    const grade = others.reduce((lowest, place) => lowerGrade(lowest, place.grade), first.grade);
    return { ...madeAs(grade), frames: places.map(({ frame }) => frame), audio: this.#sounds.get(slice) };
  }

  frameAt(frameIndex: number): TimelineFrame | undefined {
    const slice = Math.floor(frameIndex / this.framesPerSlice);
    const place = this.#slices.get(slice)?.[frameIndex - slice * this.framesPerSlice];
    return place && { frame: place.frame, ...madeAs(place.grade), revision: this.#revision, slice, frameIndex };
  }

  /** All held frames in order; undefined while one is missing between the first slice and the last. */
  get frames(): I420Frame[] | undefined {
    const frames: I420Frame[] = [];
    for (let index = 0; index < this.sliceCount * this.framesPerSlice; index++) {
      const frame = this.frameAt(index)?.frame;
      if (!frame) return undefined;
      frames.push(frame);
    }
    return frames;
  }

  /** Drops earlier slices: a live timeline keeps only what can still be shown. */
  dropBefore(slice: number): void {
    for (const held of this.#slices.keys()) if (held < slice) this.#slices.delete(held);
    for (const held of this.#sounds.keys()) if (held < slice) this.#sounds.delete(held);
  }
}
