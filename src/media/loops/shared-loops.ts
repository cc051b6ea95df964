/**
 * Loops of finished clips that one session has encoded, shared with all that show the same pictures at the same rung.
 * Pictures are the same when they are the same objects, as the segment cache returns them, so no key has to list what a
 * picture depends on. Bounded in bytes; evicts the least recently used.
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

/** Recordings within half an octave of bitrate share an entry. */
const STEPS_PER_OCTAVE = 2;
/** Steps in which a usable recording may be, nearest first: from a little above the bitrate to half of it. */
const STEPS_THAT_FIT = [0, 1, -1, -2];

export class SharedLoops {
  readonly #loops: ByteCache<RecordedLoop>;
  /** Frame numbers; the weak map keeps no frame alive. */
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

  /** Drops all loops. */
  clear(): void {
    this.#loops.clear();
  }

  /** Stores a whole loop, unless there is one like it. */
  put(pictures: LoopPictures, loop: RecordedLoop): void {
    const key = `${stepOf(loop.bitrateBps)} ${this.#keyOf(pictures)}`;
    if (!this.#loops.has(key)) this.#loops.set(key, loop);
  }

  /** A recording of these pictures that is usable at this bitrate. */
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
