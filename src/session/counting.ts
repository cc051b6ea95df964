/** Hands what a session's send path has counted to the metrics, as the difference since last time. */
import type { VideoSenderStats } from '../transport/video-sender.ts';
import type { SessionCount, SessionMetrics } from './session-deps.ts';

type Counts = Record<SessionCount, number>;

export class Counting {
  readonly #metrics: SessionMetrics;
  #reported: Counts = { framesSent: 0, keyframes: 0, bytesSent: 0, lateFrames: 0 };

  constructor(metrics: SessionMetrics) {
    this.#metrics = metrics;
  }

  /** A new connection counts from nothing; late frames are the session's own. */
  onConnected(): void {
    this.#reported = { ...this.#reported, framesSent: 0, keyframes: 0, bytesSent: 0 };
  }

  /** @param sender of the present connection; undefined while there is none. */
  report(sender: VideoSenderStats | undefined, lateFrames: number): void {
    const { framesSent, keyframes, bytesSent } = sender ?? this.#reported;
    const now: Counts = { framesSent, keyframes, bytesSent, lateFrames };
    for (const what of Object.keys(now) as SessionCount[]) this.#metrics.count(what, now[what] - this.#reported[what]);
    this.#reported = now;
  }
}
