/**
 * Maps a presented frame to its slice and tier. The server reports from which RTP timestamp a slice plays; the browser
 * reports the RTP timestamp of the frame. Pure. RTP timestamps are 32-bit and wrap (RFC 3550 5.1).
 */
import type { PlayingEvent } from './options.ts';

/** A slice changes at most a few times a second; frames are matched within a second or two. */
const CAPACITY = 64;

/** Signed distance `a - b` of two 32-bit timestamps across the wrap, in ticks of 90 kHz. */
export const rtpDistance = (a: number, b: number): number => (a - b) | 0;

export class PlayingLog {
  #events: PlayingEvent[] = [];

  add(event: PlayingEvent): void {
    this.#events.push(event);
    if (this.#events.length > CAPACITY) this.#events.shift();
  }

  /** The event that applies at `rtpTimestamp`; undefined when all known ones begin later. */
  at(rtpTimestamp: number): PlayingEvent | undefined {
    return this.#events.findLast((event) => rtpDistance(rtpTimestamp, event.rtpTimestamp) >= 0);
  }

  get latest(): PlayingEvent | undefined {
    return this.#events.at(-1);
  }

  /** A new peer connection starts at a new random timestamp. */
  clear(): void {
    this.#events = [];
  }
}
