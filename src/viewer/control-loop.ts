/**
 * The control of one viewer: gathers the facts, decides, and pushes the allocation to the picture loop and the demand to
 * the stream's audience. Runs every 50 ms while pictures are sent, and when a fact has changed.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Rung } from '../picture/rung.ts';
import type { Tier } from '../picture/tiers.ts';
import type { Audience, Seat } from '../stream/audience.ts';
import type { Stream } from '../stream/stream.ts';
import { decide, type Decision } from './decide.ts';
import type { ViewerFacts } from './facts.ts';
import type { Link } from './link/link.ts';
import type { PictureLoop } from './picture-loop.ts';
import type { Presence } from './presence.ts';

const INTERVAL_MS = 50;

export interface ControlParts {
  clock: Clock;
  /** Resolutions that can be encoded, largest first. */
  rungs: readonly Rung[];
  stream: Stream;
  audience: Audience;
  link: Link;
  presence: Presence;
  pictures: PictureLoop;
}

export class ControlLoop {
  readonly #parts: ControlParts;
  readonly #seat: Seat;
  #asked: Tier;
  #decision: Decision;
  #timer: Timer | undefined;
  #closed = false;

  /** Decides once, and takes a seat in the audience. @param asked highest tier that the viewer asks for */
  constructor(parts: ControlParts, asked: Tier) {
    this.#parts = parts;
    this.#asked = asked;
    this.#decision = decide(this.#facts, undefined, parts.clock.nowUs());
    parts.pictures.allocation = this.#decision.allocation;
    this.#seat = parts.audience.join(this.#decision.demand);
    parts.presence.events.on('changed', () => this.run());
  }

  /** Highest tier for this viewer on any path. */
  get tierCap(): Tier {
    return this.#decision.tierCap;
  }

  set asked(tier: Tier) {
    this.#asked = tier;
    this.run();
  }

  run(): void {
    if (this.#closed) return;
    const { clock, pictures, link } = this.#parts;
    this.#decision = decide(this.#facts, this.#decision.memory, clock.nowUs());
    pictures.allocation = this.#decision.allocation;
    this.#seat.want(this.#decision.demand);
    if (link.sending) this.#timer ??= clock.after(INTERVAL_MS, () => this.#onTimer());
  }

  /** Leaves the audience. */
  close(): void {
    this.#closed = true;
    this.#timer?.close();
    this.#seat.leave();
  }

  get #facts(): ViewerFacts {
    const { stream, link, presence, pictures, rungs } = this.#parts;
    const { tiers, slice } = stream.info;
    return {
      path: { ...link.grant, levelIdc: link.levelIdc },
      tiers: { made: tiers, asked: this.#asked, admitted: stream.place.tierCap },
      picture: { fps: slice.fps, motionPx: pictures.motionPx, rungs },
      presence: presence.facts,
    };
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.run();
  }
}
