/**
 * How long a frame may believe to be shown, which is what it may spend bits for. libvpx takes a duration that differs by a
 * tenth from the last for a new frame rate, and overdoes it: a frame 7 ms late of 33 costs twice its share, one 20 ms late
 * four times, which the pacer then holds for as long. So what a timer was late by is spread over the frames that follow.
 * Pure.
 */

/** Below the tenth, with what a changed target adds. */
const SHIFT_MAX = 0.08;
/** Share of what is owed that one frame is given. */
const GAIN = 1 / 8;
/** Time without a frame that is made up for; more was a pause, in which the path had nothing to carry either. */
const OWED_MAX_MS = 100;
/** Frames that keep coming faster than the frame rate get no more than this of its interval. */
const EARLY_SHARE = 0.5;

export class FrameTime {
  /** Passed, and given to no frame. */
  #owedMs = 0;

  /**
   * @param sinceMs since the last frame. @param frameMs between two frames at the present frame rate.
   * @param keyframe its budget bounds it, so all of the time is offered.
   */
  next(sinceMs: number, frameMs: number, keyframe: boolean): number {
    if (keyframe) {
      this.#owedMs = 0;
      return Math.max(sinceMs, EARLY_SHARE * frameMs);
    }
    const overMs = Math.max(-2 * frameMs, Math.min(this.#owedMs + sinceMs - frameMs, OWED_MAX_MS));
    const shiftMs = Math.max(-SHIFT_MAX * frameMs, Math.min(overMs * GAIN, SHIFT_MAX * frameMs));
    const givenMs = overMs < -frameMs ? EARLY_SHARE * frameMs : frameMs + shiftMs;
    this.#owedMs = overMs + frameMs - givenMs;
    return givenMs;
  }
}
