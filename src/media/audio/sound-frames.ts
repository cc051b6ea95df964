/**
 * Cuts a stream's sound into frames of 20 ms that follow each other without a click. Each call says where the playout
 * is. As long as it moves on with time, the frames are the stored samples, exactly. After a jump (a new revision, a
 * seek, a pause, a better tier) the new sound fades in over one frame while the old one, which was read ahead, fades
 * out. Where the sound ends because the next slice is not made yet, it fades out before. Pure: time is an argument.
 */
import { SOUND_RATE_HZ } from '../../picture/sound.ts';
import { crossfade, FADE_SAMPLES } from './fade.ts';
import type { Making, SoundStore } from './sound-store.ts';

/** One Opus packet (RFC 7587 recommends 20 ms). */
export const FRAME_MS = 20;
export const FRAME_SAMPLES = (SOUND_RATE_HZ * FRAME_MS) / 1_000;

/** Where the playout is when a frame begins. */
export interface SoundPosition {
  revision: number;
  /** Samples per channel from the revision's start, in clip mode within the first loop. May have a fraction. */
  sample: number;
}

/** How far the playout may be from the sound before the sound follows: well below what is seen as out of step. */
const STEP_MAX_SAMPLES = SOUND_RATE_HZ / 200;

export interface SoundFramesOptions {
  store: SoundStore;
  /** Length of a clip, which loops; undefined for a live stream. */
  loopSamples?: number | undefined;
}

/** What was read: the frame and as much after it. */
interface Ahead {
  samples: Float32Array;
  /** Making of the frame's first sample, and of the first sample after the frame. */
  first: Making | undefined;
  next: Making | undefined;
  /** Where there is no sound, in samples from the frame's start. */
  silences: { from: number; to: number }[];
}

export class SoundFrames {
  readonly #store: SoundStore;
  readonly #loopSamples: number | undefined;
  /** Where the next frame begins, if time just goes on. */
  #cursor: SoundPosition | undefined;
  #expected: Making | undefined;
  /** What would follow the last frame: the sound that a jump fades out of. */
  #tail: Float32Array;
  /** Progress of the fade at the edge of silence, from 0 (silent) to 1. */
  #level = 0;

  constructor({ store, loopSamples }: SoundFramesOptions) {
    this.#store = store;
    this.#loopSamples = loopSamples;
    this.#tail = new Float32Array(FRAME_SAMPLES * store.channels);
  }

  /** The next frame, interleaved; `position` is undefined while nothing is heard: paused, waiting, not started. */
  next(position: SoundPosition | undefined): Float32Array {
    const { channels } = this.#store;
    const at = position && this.#settle(position);
    if (!at) return this.#stop();
    const ahead = this.#read(at.position);
    const jumped = !at.continuous || ahead.first !== this.#expected;
    // Silence that ends fades in by level; any other change crossfades from what would have followed.
    const fades = jumped && (this.#expected !== undefined || !at.continuous);
    if (fades) this.#level = 1;
    this.#fadeEdges(ahead);
    const frame = ahead.samples.slice(0, FRAME_SAMPLES * channels);
    if (fades) crossfade(this.#tail, frame, channels);
    this.#tail = ahead.samples.slice(FRAME_SAMPLES * channels);
    this.#expected = ahead.next;
    this.#cursor = { revision: at.position.revision, sample: this.#wrapped(at.position.sample + FRAME_SAMPLES) };
    return frame;
  }

  #stop(): Float32Array {
    const frame = new Float32Array(this.#tail.length);
    crossfade(this.#tail, frame, this.#store.channels);
    this.#tail = new Float32Array(this.#tail.length);
    this.#cursor = undefined;
    this.#expected = undefined;
    this.#level = 0;
    return frame;
  }

  /** The cursor where the playout is near it, otherwise the playout's own position. */
  #settle({ revision, sample }: SoundPosition): { position: SoundPosition; continuous: boolean } {
    const cursor = this.#cursor;
    if (cursor?.revision === revision && this.#distance(cursor.sample, sample) <= STEP_MAX_SAMPLES)
      return { position: cursor, continuous: true };
    return { position: { revision, sample: this.#wrapped(Math.max(0, Math.round(sample))) }, continuous: false };
  }

  #distance(a: number, b: number): number {
    const distance = Math.abs(a - b);
    return this.#loopSamples === undefined ? distance : Math.min(distance, this.#loopSamples - distance);
  }

  #wrapped(sample: number): number {
    return this.#loopSamples === undefined ? sample : sample % this.#loopSamples;
  }

  #read({ revision, sample }: SoundPosition): Ahead {
    const { channels } = this.#store;
    const count = 2 * FRAME_SAMPLES;
    const samples = new Float32Array(count * channels);
    const ahead: Ahead = { samples, first: undefined, next: undefined, silences: [] };
    for (let done = 0; done < count;) {
      const from = this.#wrapped(sample + done);
      const stretch = this.#store.read(revision, from, count - done, this.#before(from));
      samples.set(stretch.samples, done * channels);
      const end = done + stretch.samples.length / channels;
      if (done === 0) ahead.first = stretch.making;
      if (done <= FRAME_SAMPLES && end > FRAME_SAMPLES) ahead.next = stretch.making;
      if (stretch.making === undefined) ahead.silences.push({ from: done, to: end });
      done = end;
    }
    return ahead;
  }

  /** In a loop the first slice follows the last one. */
  #before(from: number): number | undefined {
    const loops = this.#loopSamples !== undefined && from === 0 && this.#cursor !== undefined;
    return loops ? this.#store.sliceAt(this.#loopSamples - 1) : undefined;
  }

  /** Fades at the edges of silence. The level rises by one fade's step at most, and reaches 0 where silence begins. */
  #fadeEdges({ samples, silences }: Ahead): void {
    const { channels } = this.#store;
    let level = this.#level;
    for (let index = 0; index < samples.length / channels; index++) {
      if (index === FRAME_SAMPLES) this.#level = level;
      const silence = silences.find(({ to }) => to > index);
      const left = silence ? Math.max(0, silence.from - index) : FADE_SAMPLES;
      level = Math.min(level + 1 / FADE_SAMPLES, 1, left / FADE_SAMPLES);
      if (level === 1) continue;
      const gain = Math.sin((level * Math.PI) / 2);
      for (let channel = 0; channel < channels; channel++) samples[index * channels + channel]! *= gain;
    }
  }
}
