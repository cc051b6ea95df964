/**
 * The playback of a stream: chooses the frame for a given time. When the generator is late, the last frame stays on
 * screen and the playhead waits, so no frame of the timeline is skipped and the connection keeps sending. Late frames
 * are counted. Pure: time is an argument.
 */
import type { Timeline, TimelineFrame } from './timeline.ts';

export interface PlayoutOptions {
  /** Frames a second of the timeline. */
  fps: number;
  /** Length of a clip, which loops; undefined for a live timeline, which has no end. */
  loopFrames?: number | undefined;
}

export interface PlayoutFrame {
  picture: TimelineFrame;
  /** The time asked for a newer frame than the timeline has. */
  late: boolean;
  /** Loops of a clip that have ended. */
  loop: number;
}

/** A revision that replaces a slice of another: its first frame takes that slice's position. */
export interface InPlace {
  revision: number;
  /** The revision that the slice belongs to. */
  of: number;
  /** First frame of that slice. */
  firstFrame: number;
  /** Frames of the slice. */
  frames: number;
}

export class Playout {
  readonly #options: PlayoutOptions;
  #originUs = 0;
  /** Unwrapped: in clip mode it keeps counting through the loops. */
  #playhead = 0;
  #revision = -1;
  #paused = false;
  #held = false;
  #last: TimelineFrame | undefined;
  #lateFrames = 0;
  #inPlace: InPlace | undefined;

  constructor(options: PlayoutOptions) {
    this.#options = options;
  }

  /** Length of a clip; undefined for a live timeline. */
  get durationMs(): number | undefined {
    const { loopFrames, fps } = this.#options;
    return loopFrames === undefined ? undefined : (loopFrames * 1000) / fps;
  }

  /** Frames that were missing when they were due. */
  get lateFrames(): number {
    return this.#lateFrames;
  }

  /** The revision that the playhead is in; -1 before the first picture. `at` moves it to the timeline's. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether a viewer has paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether the playhead stands: paused, or unwatched. */
  get stands(): boolean {
    return this.#paused || this.#held;
  }

  /** Index of the frame on screen, wrapped to the clip's length. */
  get frameIndex(): number {
    return this.#wrap(this.#playhead);
  }

  get playheadMs(): number {
    return (this.frameIndex * 1000) / this.#options.fps;
  }

  /** The picture for `nowUs`; undefined until the timeline has its first. */
  at(nowUs: number, timeline: Timeline): PlayoutFrame | undefined {
    if (timeline.revision < 0) return undefined;
    if (timeline.revision !== this.#revision) this.#start(nowUs, timeline.revision);
    const wanted = this.stands ? this.#playhead : Math.max(this.#playhead, this.#frameOf(nowUs));
    const found = this.#nearest(wanted, timeline);
    const late = found.index < wanted;
    if (late) {
      this.#lateFrames += wanted - found.index;
      this.#originUs = nowUs - this.#durationUs(found.index);
    }
    this.#playhead = found.index;
    const picture = found.picture ?? this.#last;
    if (!picture) return undefined;
    this.#last = picture;
    return { picture, late, loop: this.#loopOf(found.index) };
  }

  pause(): void {
    this.#paused = true;
  }

  /** Continues from the frame on screen. */
  play(nowUs: number): void {
    if (this.#paused && !this.#held) this.#goOn(nowUs);
    this.#paused = false;
  }

  /** Unwatched: the playhead stands, so that a viewer who returns finds the frame left on screen. */
  hold(): void {
    this.#held = true;
  }

  /** Someone is there again. */
  release(nowUs: number): void {
    if (this.#held && !this.#paused) this.#goOn(nowUs);
    this.#held = false;
  }

  /** Moves the playhead to a time of the clip; a time beyond the end selects the last frame. */
  seek(timeMs: number, nowUs: number): void {
    const frame = Math.floor((timeMs * this.#options.fps) / 1000);
    this.#playhead = Math.max(0, Math.min(frame, (this.#options.loopFrames ?? Infinity) - 1));
    this.#originUs = nowUs - this.#durationUs(this.#playhead);
  }

  /** When that revision's first picture is ready, the playhead continues in it at the same offset in the slice. */
  switchInPlace(switching: InPlace): void {
    this.#inPlace = switching;
  }

  /** When the next frame is due; Infinity while the playhead stands or before the first picture. */
  nextFrameUs(): number {
    if (this.stands || this.#revision < 0) return Infinity;
    return this.#originUs + this.#durationUs(this.#playhead + 1);
  }

  /**
   * Where the playout will be at a time up to a moment from now, in frames with their fraction; undefined while the
   * playhead stands or waits for a frame. For what runs beside the pictures.
   */
  positionAt(atUs: number, nowUs: number, timeline: Timeline): { revision: number; frame: number } | undefined {
    if (this.stands || this.#revision < 0) return undefined;
    const now = this.#frameOf(nowUs);
    const waits = now > this.#playhead && !timeline.frameAt(this.#wrap(now));
    if (waits && timeline.revision === this.#revision) return undefined;
    const frame = Math.max(0, ((atUs - this.#originUs) * this.#options.fps) / 1e6);
    return { revision: this.#revision, frame: this.#wrap(frame) };
  }

  #goOn(nowUs: number): void {
    this.#originUs = nowUs - this.#durationUs(this.#playhead);
  }

  #start(nowUs: number, revision: number): void {
    const frame = this.#frameInPlace(revision);
    this.#revision = revision;
    this.#last = undefined;
    this.#inPlace = undefined;
    // In place, frame timing goes on: the switch changes the picture, not the time.
    this.#originUs = frame === undefined ? nowUs : this.#originUs + this.#durationUs(this.#playhead - frame);
    this.#playhead = frame ?? 0;
  }

  /** Undefined where the revision replaces no slice, or the slice has already played to its end. */
  #frameInPlace(revision: number): number | undefined {
    const inPlace = this.#inPlace;
    if (inPlace?.revision !== revision || inPlace.of !== this.#revision) return undefined;
    const frame = Math.max(0, this.#playhead - inPlace.firstFrame);
    return frame < inPlace.frames ? frame : undefined;
  }

  /** The newest frame from the playhead up to `wanted`; the playhead waits for missing frames. */
  #nearest(wanted: number, timeline: Timeline): { index: number; picture: TimelineFrame | undefined } {
    for (let index = wanted; index >= this.#playhead; index--) {
      const picture = timeline.frameAt(this.#wrap(index));
      if (picture) return { index, picture };
    }
    return { index: this.#playhead, picture: undefined };
  }

  #wrap(index: number): number {
    return this.#options.loopFrames === undefined ? index : index % this.#options.loopFrames;
  }

  #loopOf(index: number): number {
    return this.#options.loopFrames === undefined ? 0 : Math.floor(index / this.#options.loopFrames);
  }

  #frameOf(nowUs: number): number {
    // Half a microsecond of slack: the timer asks exactly at the boundary that `#durationUs` computed.
    return Math.floor(((nowUs - this.#originUs + 0.5) * this.#options.fps) / 1e6);
  }

  #durationUs(frames: number): number {
    return (frames * 1e6) / this.#options.fps;
  }
}
