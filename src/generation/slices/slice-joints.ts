/**
 * Joins the slices of one run of pictures as they come: remembers how each slice ended, and fades the next one in from
 * there. A slice joins the best tier of the one before, if that has its size.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { I420Frame } from '../../picture/frame.ts';
import type { Rendition } from '../generator.ts';
import { JoinedSlices, type FrameMark } from './joined-slices.ts';
import { fadeFrames, fadeShare, seamDifference, tailOf, withDifference, type SliceTail } from './seam-fade.ts';

/** Shared by all runs of pictures: what is shown to several is faded once. */
const joinedSlices = new JoinedSlices();

export class SliceJoints {
  readonly #slice: { frames: number; fps: number };
  readonly #tails = new Map<number, SliceTail & { mark: FrameMark }>();

  constructor(slice: { frames: number; fps: number }) {
    this.#slice = slice;
  }

  /**
   * The rendition to show. Renditions that come frame by frame stay as they are.
   * @param continues the slice was made to continue the one before
   */
  async join(rendition: Rendition, continues: boolean): Promise<Rendition> {
    if (rendition.frames.length !== this.#slice.frames) return rendition;
    const tail = continues ? this.#tails.get(rendition.slice - 1) : undefined;
    const frames = tail ? await this.#fade(tail, rendition.frames) : rendition.frames;
    this.#remember(rendition.slice, frames);
    return frames === rendition.frames ? rendition : { ...rendition, frames };
  }

  /** Remembers a slice that was made elsewhere and is to be continued. */
  begin(slice: number, frames: readonly I420Frame[]): void {
    this.#remember(slice, frames);
  }

  /** Forgets slices that nothing will be joined to. */
  forget(isDone: (slice: number) => boolean): void {
    for (const slice of this.#tails.keys()) if (isDone(slice)) this.#tails.delete(slice);
  }

  async #fade(tail: SliceTail & { mark: FrameMark }, frames: I420Frame[]): Promise<I420Frame[]> {
    const [first, second] = frames;
    if (!first || !second || first.data.length !== tail.last.data.length) return frames;
    return joinedSlices.get(first, tail.mark, () => this.#faded(tail, frames, [first, second]));
  }

  async #faded(tail: SliceTail, frames: I420Frame[], [first, second]: [I420Frame, I420Frame]): Promise<I420Frame[]> {
    const difference = seamDifference(tail, [first, second]);
    const length = fadeFrames(frames.length, this.#slice.fps);
    const joined = [...frames];
    for (const [index, frame] of frames.slice(0, length).entries()) {
      joined[index] = withDifference(frame, difference, fadeShare(index, length));
      // A large frame takes a millisecond: due packets go out in between.
      await nextTurn();
    }
    return joined;
  }

  /** Keeps copies: frames are views of a slice's one buffer, which would live as long as they do. */
  #remember(slice: number, frames: readonly I420Frame[]): void {
    const tail = tailOf(frames);
    if (!tail) return;
    const copy = (frame: I420Frame): I420Frame => ({ ...frame, data: frame.data.slice() });
    const mark = joinedSlices.markOf(tail.last);
    this.#tails.set(slice, { beforeLast: copy(tail.beforeLast), last: copy(tail.last), mark });
  }
}
