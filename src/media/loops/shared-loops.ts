/**
 * Loops of finished clips, as one session has encoded them, for every other that shows the same pictures at the same rung:
 * encoded once, sent to all. Pictures are the same when they are the same objects, which is how the segment cache hands
 * them out; so no key has to name all that a picture depends on. Bounded in bytes; what was used longest ago goes first.
 */
import { ByteCache, type CacheCounts } from '../../byte-cache.ts';
import { LIMITS } from '../../limits.ts';
import type { VideoCodec } from '../encode/encoder.ts';
import type { I420Frame } from '../../picture/frame.ts';
import { fitsBitrate, type RecordedLoop } from './loop-cache.ts';

export interface LoopPictures {
  codec: VideoCodec;
  rung: { widthPx: number; heightPx: number };
  /** Every frame of the loop, in order. */
  frames: readonly I420Frame[];
}

/** Recordings that differ by less share a place: half an octave. */
const STEPS_PER_OCTAVE = 2;
/** Steps in which a recording that fits a bitrate may lie, nearest first: from a little above it to half of it. */
const STEPS_THAT_FIT = [0, 1, -1, -2];

export class SharedLoops {
  readonly #loops: ByteCache<RecordedLoop>;
  /** Numbers for frames, which keep nothing alive. */
  readonly #numbers = new WeakMap<I420Frame, number>();
  #next = 0;
  #misses = 0;

  constructor(maxBytes: number = LIMITS.sharedLoopsMaxBytes) {
    this.#loops = new ByteCache({
      maxBytes,
      sizeOf: ({ units }) => units.reduce((sum, { unit }) => sum + unit.data.byteLength, 0),
    });
  }

  get counts(): Readonly<CacheCounts> {
    return { ...this.#loops.counts, misses: this.#misses };
  }

  get bytes(): number {
    return this.#loops.bytes;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#loops.clear();
  }

  /** Takes a whole loop, unless one like it is there. */
  put(pictures: LoopPictures, loop: RecordedLoop): void {
    const key = `${stepOf(loop.bitrateBps)} ${this.#keyOf(pictures)}`;
    if (!this.#loops.has(key)) this.#loops.set(key, loop);
  }

  /** A recording of these pictures that is good at this bitrate. */
  find(pictures: LoopPictures, bitrateBps: number): RecordedLoop | undefined {
    const shown = this.#keyOf(pictures);
    for (const step of STEPS_THAT_FIT) {
      const key = `${stepOf(bitrateBps) + step} ${shown}`;
      const loop = this.#loops.peek(key);
      if (loop && fitsBitrate(loop.bitrateBps, bitrateBps)) return this.#loops.get(key);
    }
    this.#misses += 1;
    return undefined;
  }

  #keyOf({ codec, rung, frames }: LoopPictures): string {
    const numbers = frames.map((frame) => this.#numberOf(frame));
    return [codec, rung.widthPx, rung.heightPx, ...numbers].join(' ');
  }

  #numberOf(frame: I420Frame): number {
    const number = this.#numbers.get(frame) ?? this.#next++;
    this.#numbers.set(frame, number);
    return number;
  }
}

const stepOf = (bitrateBps: number): number => Math.floor(STEPS_PER_OCTAVE * Math.log2(bitrateBps));
