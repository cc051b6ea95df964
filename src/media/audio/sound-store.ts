/**
 * The sound of a stream's revisions by slice, beside the timeline that holds their pictures. As there, a better tier
 * replaces a lower one, and a slice is whole or absent. Slices that do not fit each other are mended where they meet.
 * The revision before the newest stays until the next one comes, so that a change can fade out of it. Pure.
 */
import { SOUND_RATE_HZ, sliceSamples, type Sound } from '../../picture/sound.ts';
import { jointOffsets, offsetShare } from './fade.ts';
import { withChannels } from './mix.ts';

export interface SoundShape {
  frames: number;
  fps: number;
  channels: 1 | 2;
}

/** Says which making a stretch of sound comes from: a different one is a joint. */
export type Making = object;

interface StoredSlice {
  rank: number;
  samples: Float32Array;
  /** What its first samples get so that they join the slice before; set when it is first read. */
  offsets: readonly number[] | undefined;
}

/** Which slice a sound belongs to. A sound of higher `rank` (the grade's) replaces one of lower rank. */
export interface SoundPlace {
  revision: number;
  slice: number;
  rank: number;
}

/** A stretch that was read, in samples per channel. `making` is undefined for silence. */
export interface Stretch {
  samples: Float32Array;
  making: Making | undefined;
}

const REVISIONS_KEPT = 2;

export class SoundStore {
  readonly #shape: SoundShape;
  /** In order of revision. */
  readonly #revisions = new Map<number, Map<number, StoredSlice>>();

  constructor(shape: SoundShape) {
    this.#shape = shape;
  }

  get channels(): 1 | 2 {
    return this.#shape.channels;
  }

  /** Slices held in memory. */
  get sliceCount(): number {
    return [...this.#revisions.values()].reduce((sum, slices) => sum + slices.size, 0);
  }

  /** Keeps a checked sound (`checkedSound`), unless the slice has as good a one or its revision is gone. */
  put({ revision, slice, rank }: SoundPlace, sound: Sound): void {
    const newest = Math.max(-1, ...this.#revisions.keys());
    if (revision < newest && !this.#revisions.has(revision)) return;
    const slices = this.#revisions.get(revision) ?? new Map<number, StoredSlice>();
    this.#revisions.set(revision, slices);
    if (rank <= (slices.get(slice)?.rank ?? -1)) return;
    slices.set(slice, { rank, samples: withChannels(sound, this.#shape.channels), offsets: undefined });
    for (const held of [...this.#revisions.keys()].toSorted((a, b) => a - b).slice(0, -REVISIONS_KEPT))
      this.#revisions.delete(held);
  }

  /**
   * `count` samples of a revision from `from` on, up to the end of the slice that they start in: the caller asks again
   * for the rest. Silence where there is none.
   * @param before the slice that was heard before this one; default: the one before it. A clip's last one, in a loop
   */
  read(revision: number, from: number, count: number, before?: number): Stretch {
    const { channels } = this.#shape;
    const slice = this.sliceAt(from);
    const { from: start, to: end } = sliceSamples(slice, this.#shape);
    const length = Math.min(count, end - from);
    const slices = this.#revisions.get(revision);
    const stored = slices?.get(slice);
    if (!stored) return { samples: new Float32Array(length * channels), making: undefined };
    const offset = from - start;
    const samples = stored.samples.slice(offset * channels, (offset + length) * channels);
    const last = slices?.get(before ?? slice - 1)?.samples;
    if (offset === 0) stored.offsets = last && jointOffsets(last, stored.samples, channels);
    if (stored.offsets) addOffsets(samples, stored.offsets, offset);
    return { samples, making: stored };
  }

  /** Drops earlier slices of a revision: a live stream keeps only what can still be heard. */
  dropBefore(revision: number, slice: number): void {
    const slices = this.#revisions.get(revision);
    for (const held of slices?.keys() ?? []) if (held < slice) slices?.delete(held);
  }

  /** The slice that a sample of a revision lies in. */
  sliceAt(sample: number): number {
    const { frames, fps } = this.#shape;
    const guess = Math.floor((sample * fps) / (frames * SOUND_RATE_HZ));
    // Boundaries are rounded, so the guess may be one off.
    if (sample < sliceSamples(guess, this.#shape).from) return guess - 1;
    return sample >= sliceSamples(guess, this.#shape).to ? guess + 1 : guess;
  }
}

/** Adds what is left of a joint's offsets to samples that start `offset` after the joint. */
function addOffsets(samples: Float32Array, offsets: readonly number[], offset: number): void {
  if (offsets.every((value) => value === 0)) return;
  const channels = offsets.length;
  for (let index = 0; index < samples.length / channels; index++) {
    const share = offsetShare(offset + index);
    if (share === 0) return;
    for (let channel = 0; channel < channels; channel++)
      samples[index * channels + channel]! += offsets[channel]! * share;
  }
}
