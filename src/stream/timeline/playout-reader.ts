/** One viewer's reading of a playout: what is new to them in the frames that all viewers share. Pure. */
import type { PlayoutFrame } from './playout.ts';
import type { TimelineFrame } from './timeline.ts';

export interface PlayoutPicture {
  picture: TimelineFrame;
  /** False when this reader's last frame was the same at the same tier. */
  fresh: boolean;
  /** The time asked for a newer frame than the timeline has. */
  late: boolean;
  /** True on this reader's first frame of a loop, except in the first loop it saw. */
  looped: boolean;
}

/** A stream, or what stands for one in a test. */
export interface FrameSource {
  at(nowUs: number): PlayoutFrame | undefined;
}

export class PlayoutReader {
  readonly #source: FrameSource;
  #last: PlayoutFrame | undefined;

  constructor(source: FrameSource) {
    this.#source = source;
  }

  /** The picture for `nowUs`; undefined until the timeline has its first. */
  at(nowUs: number): PlayoutPicture | undefined {
    const found = this.#source.at(nowUs);
    if (!found) return undefined;
    const { picture, late, loop } = found;
    const last = this.#last?.picture.revision === picture.revision ? this.#last : undefined;
    this.#last = found;
    const looped = last !== undefined && loop > last.loop;
    return { picture, fresh: picture.frame !== last?.picture.frame, late, looped };
  }
}
