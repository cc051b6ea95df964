/**
 * Replays a finished clip: records what one loop sends, replays it from the next loop on, and shares whole recordings
 * with other viewers of the same pictures. A replay needs neither the generator nor the encoder.
 */
import type { Allocation } from '../../congestion/allocation.ts';
import type { AccessUnit } from '../../media/encode/encoder.ts';
import { LoopCache } from '../../media/loops/loop-cache.ts';
import type { SharedLoops } from '../../media/loops/shared-loops.ts';
import type { Stream } from '../../stream/stream.ts';
import type { PlayoutPicture } from '../../stream/timeline/playout-reader.ts';
import type { EncoderSlot } from './encoder-slot.ts';

/** Loops with a smaller share of their frames were recorded at a low rate: they are not shared. */
const WHOLE_SHARE = 0.95;
/** Recordings repeated at the full rate; without a limit a slow machine would repeat for ever. */
const REDO_MAX = 2;

export class LoopPlayer {
  readonly #stream: Stream;
  readonly #shared: SharedLoops;
  readonly #loop = new LoopCache();
  /** Recordings of the current pictures dropped because frames were missing. */
  #redone = 0;

  constructor(stream: Stream, shared: SharedLoops) {
    this.#stream = stream;
    this.#shared = shared;
  }

  /**
   * The recorded units for this frame; undefined: it must be encoded.
   * @param keyframeNeeded the viewer cannot decode what builds on earlier frames
   */
  replay(
    { picture, looped, fresh }: PlayoutPicture,
    allocation: Allocation,
    encoder: EncoderSlot,
    keyframeNeeded: boolean,
  ): AccessUnit[] | undefined {
    if (looped) {
      this.#loop.onLoop();
      this.#share(allocation, encoder);
    } else if (keyframeNeeded) this.#loop.interrupt();
    return fresh ? this.#loop.take(picture.frameIndex, allocation.rung, allocation.bitrateBps) : undefined;
  }

  /** Whether a recording starts with this frame, which then must be a keyframe. */
  startsAt({ looped }: PlayoutPicture): boolean {
    return looped && this.#stream.finished && !this.#loop.whole;
  }

  /** Records a unit that was encoded. @param finished whether the clip was complete when its encoding began */
  onEncoded({ picture }: PlayoutPicture, unit: AccessUnit, bitrateBps: number, finished: boolean): void {
    if (finished) this.#loop.onEncoded(picture.frameIndex, unit, bitrateBps);
    else this.#loop.clear();
  }

  /** Other pictures follow. */
  onCut(): void {
    this.#redone = 0;
  }

  /** The playhead has jumped. */
  onSeek(): void {
    this.#loop.interrupt();
  }

  /** Another decoder follows. */
  clear(): void {
    this.#loop.clear();
  }

  /** At the start of a loop: shares this viewer's recording, or adopts a shared one. */
  #share({ rung, bitrateBps, fps }: Allocation, { codec, cutSmall }: EncoderSlot): void {
    const { timeline, finished, info } = this.#stream;
    const { frames } = timeline;
    if (!codec || cutSmall || !frames || !finished) return;
    const { recording } = this.#loop;
    if (recording && recording.units.length >= WHOLE_SHARE * frames.length) {
      this.#shared.put({ codec, rung, frames }, recording);
      return;
    }
    const shared = this.#shared.find({ codec, rung, frames }, bitrateBps);
    if (shared) this.#loop.adopt(shared);
    else if (recording && fps >= info.slice.fps && this.#redone < REDO_MAX) {
      this.#redone += 1;
      this.#loop.clear();
    }
  }
}
