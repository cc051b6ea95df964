/** Pictures that come while they are made use of: a camera. */
import type { I420Frame } from './frame.ts';
import type { Rung } from './rung.ts';

export interface LivePicture {
  frame: I420Frame;
  /** Counts the pictures of one source, with gaps: a larger number is a newer picture. */
  number: number;
}

/** How far the camera's pictures are raised to noise where nothing else is asked: layout and colours stay. */
export const LIVE_STRENGTH = 0.6;

export interface LiveSource {
  /**
   * The newest picture, covering this size (both sides even) and cropped to it. A camera that has frozen keeps its last
   * one. Undefined before the first, and once the source has ended.
   */
  newest(size: Rung): Promise<LivePicture | undefined>;
  /** As `newest`, but waits for one newer than `after`, until `signal` aborts or the source ends. */
  next(size: Rung, after: number, signal: AbortSignal): Promise<LivePicture | undefined>;
}
