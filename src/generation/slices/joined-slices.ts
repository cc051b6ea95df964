/**
 * Slices joined for one session, for all others that show the same two after each other: faded once, held once, and
 * recognised as the same pictures by other shared work (media/shared-loops.ts). Keeps no picture alive.
 */
import type { I420Frame } from '../../picture/frame.ts';
import { kept } from '../../lifetime/kept-promise.ts';

/** Identifies a frame in comparisons without keeping it alive. */
export type FrameMark = symbol;

interface Joined {
  tail: FrameMark;
  /** Pending while it is made, for concurrent callers. */
  making: Promise<I420Frame[]> | undefined;
  frames: WeakRef<I420Frame>[];
}

export class JoinedSlices {
  readonly #marks = new WeakMap<I420Frame, FrameMark>();
  /** By the slice's first frame before the fade. */
  readonly #joined = new WeakMap<I420Frame, Joined>();

  markOf(frame: I420Frame): FrameMark {
    const mark = this.#marks.get(frame) ?? Symbol('frame');
    this.#marks.set(frame, mark);
    return mark;
  }

  /**
   * @param first of the slice, before the fade
   * @param tail mark of the last frame before it
   * @param make fades; called if there is no result, or it was collected
   */
  async get(first: I420Frame, tail: FrameMark, make: () => Promise<I420Frame[]>): Promise<I420Frame[]> {
    const before = this.#joined.get(first);
    if (before?.tail === tail) {
      if (before.making) return before.making;
      const frames = before.frames.map((frame) => frame.deref()).filter((frame) => frame !== undefined);
      if (frames.length === before.frames.length) return frames;
    }
    const joined: Joined = { tail, making: kept(make()), frames: [] };
    this.#joined.set(first, joined);
    try {
      const frames = (await joined.making) ?? [];
      joined.frames = frames.map((frame) => new WeakRef(frame));
      return frames;
    } catch (error) {
      this.#joined.delete(first);
      throw error;
    } finally {
      joined.making = undefined;
    }
  }
}
