/**
 * The control of one viewer: gathers the facts, decides, and pushes the allocation to the picture loop, the rate to the
 * sound, and the demand to the stream's audience. Runs every 50 ms while pictures are sent, and when a fact has changed.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Tier } from '../picture/tiers.ts';
import type { Seat } from '../stream/audience.ts';
import { decide, type Decision } from './decide.ts';
import type { EncodeSeat } from './encodes/encode-seat.ts';
import type { ViewerFacts } from './facts.ts';
import type { Link } from './link/link.ts';
import type { Presence } from './presence.ts';
import type { ViewerSound } from './sound.ts';
import type { Stage } from './stage.ts';

const INTERVAL_MS = 50;

export interface ControlParts {
  clock: Clock;
  stage: Stage;
  link: Link;
  presence: Presence;
  pictures: EncodeSeat;
  sound: ViewerSound;
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
    parts.sound.rateBps = this.#decision.memory.soundRateBps;
    this.#seat = parts.stage.audience.join(this.#decision.demand);
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
    const { clock, pictures, sound, link } = this.#parts;
    this.#decision = decide(this.#facts, this.#decision.memory, clock.nowUs());
    pictures.allocation = this.#decision.allocation;
    sound.rateBps = this.#decision.memory.soundRateBps;
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
    const { stage, link, presence, pictures } = this.#parts;
    const { stream, encodes } = stage;
    const { tiers, slice } = stream.info;
    return {
      path: { ...link.grant, levelIdc: link.levelIdc },
      tiers: { made: tiers, asked: this.#asked, admitted: stream.place.tierCap },
      picture: { fps: slice.fps, motionPx: pictures.motionPx, rungs: encodes.rungs },
      presence: presence.facts,
    };
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.run();
  }
}
