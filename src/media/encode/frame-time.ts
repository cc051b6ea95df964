/**
 * The duration to report for a frame, which sets its bits. libvpx takes a change of a tenth for a new frame rate, and
 * overreacts: a frame 7 ms late of 33 costs twice its share, one 20 ms late four times, which then waits in the pacer.
 * So the lateness of a timer is spread over the following frames. Pure.
 */

/** Below the tenth, with room for a changed target. */
const SHIFT_MAX = 0.08;
/** Share of the owed time given to one frame. */
const GAIN = 1 / 8;
/** Largest gap that later frames make up for; a longer one was a pause, in which the path carried nothing. */
const OWED_MAX_MS = 100;
/** Minimum share of the interval for frames that keep coming faster than the frame rate. */
const EARLY_SHARE = 0.5;

export class FrameTime {
  /** Time passed that no frame has been given. */
  #owedMs = 0;

  /**
   * @param sinceMs since the last frame. @param frameMs interval of two frames at the current frame rate.
   * @param keyframe gets all of the time, since its budget limits it
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
