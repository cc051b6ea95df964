/**
 * One generation, made once for all who watch it: prompts become revisions, revisions fill the timeline, the playout
 * says which frame is due. It knows no viewer: `demand` says what is worth making, and each reader of frames (`at`)
 * moves the playhead. Connects the parts of this folder and contains no algorithm.
 */
import { every, type Clock, type Timer } from '../clock.ts';
import { GlimpseError } from '../errors.ts';
import { Emitter, type ListenerErrorHandler } from '../events.ts';
import type { Admission, Ticket } from '../generation/engine/admission.ts';
import type { Scheduler } from '../generation/engine/scheduler.ts';
import { isLastRun, type Generator, type GeneratorInfo, type Rendition } from '../generation/generator.ts';
import { parsePrompts } from '../generation/prompt/prompt-list.ts';
import { sliceCount } from '../generation/slices/schedule.ts';
import { kept } from '../lifetime/kept-promise.ts';
import type { InputMedia } from '../picture/input-media.ts';
import type { Tier } from '../picture/tiers.ts';
import { Acceptance } from './acceptance.ts';
import type { Accepted, Change, StreamEvents, StreamMetrics, StreamMode, StreamRequest, User } from './contract.ts';
import type { Demand } from './demand.ts';
import { streamInputs } from './inputs.ts';
import { LiveInput } from './live-input.ts';
import type { Limits } from './revisions/making.ts';
import { Revisions } from './revisions/revisions.ts';
import { StreamSound } from './sound/stream-sound.ts';
import { FROM_NOISE } from './steering.ts';
import { Playout, type PlayoutFrame } from './timeline/playout.ts';
import { Timeline, type Placement } from './timeline/timeline.ts';

export interface StreamDeps {
  clock: Clock;
  generator: Generator;
  scheduler: Scheduler;
  admission: Admission;
  metrics: StreamMetrics;
  /** Called when a listener of a stream's events throws. */
  onListenerError?: ListenerErrorHandler | undefined;
}

/** What one stream starts with. */
export interface StreamStart {
  request: StreamRequest;
  /** An upload to begin from or to follow. */
  media?: InputMedia | undefined;
  user: User;
  /** What those who are about to watch can use. */
  demand: Demand;
}

const REVIEW_MS = 1_000;

export class Stream {
  readonly events = new Emitter<StreamEvents>();
  readonly mode: StreamMode;
  readonly info: GeneratorInfo;
  readonly timeline: Timeline;
  readonly playout: Playout;
  /** The camera that is followed; undefined where the generator follows none, and for clips. */
  readonly live: LiveInput | undefined;
  /** Undefined where the generator makes none. */
  readonly sound: StreamSound | undefined;
  readonly #deps: StreamDeps;
  readonly #clipSlices: number | undefined;
  readonly #place: Ticket;
  readonly #revisions: Revisions;
  readonly #acceptance: Acceptance;
  readonly #review: Timer;
  #demand: Demand;
  #closing: Promise<void> | undefined;

  /**
   * Starts at once.
   * @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, PARAMETER_INVALID, SESSION_LIMIT
   */
  constructor({ request, media, user, demand }: StreamStart, deps: StreamDeps) {
    const { generator, clock, admission } = deps;
    const { slice } = generator.info;
    const { mode, seed, guidance, transitionSlices = 1, interpolation = 'linear' } = request;
    const clipSlices = mode === 'clip' ? sliceCount(request.seconds, slice) : undefined;
    const prompts = parsePrompts(request.prompt, clipSlices);
    const inputs = streamInputs(request, media, generator.info);
    const loopFrames = clipSlices && clipSlices * slice.frames;
    if (deps.onListenerError) this.events.onListenerError = deps.onListenerError;
    this.mode = mode;
    this.info = generator.info;
    this.timeline = new Timeline(slice.frames);
    this.playout = new Playout({ fps: slice.fps, loopFrames });
    this.live = generator.info.live === true && mode === 'live' ? new LiveInput() : undefined;
    const { info, timeline, playout } = this;
    this.sound = info.sound && new StreamSound({ clock, info, timeline, playout, clipSlices }, info.sound.channels);
    this.sound?.events.on('error', (error) => this.events.emit('error', error));
    this.#deps = deps;
    this.#clipSlices = clipSlices;
    this.#demand = demand;
    const applicant = { wanted: demand.asked, watched: demand.watched, patient: clipSlices !== undefined };
    this.#place = admission.enter(applicant, () => this.#onPlace());
    this.#revisions = new Revisions(
      {
        making: deps,
        work: { sliceCount: clipSlices, user, inputs, live: this.live },
        timeline: this.timeline,
        playout: this.playout,
        onPlaced: (rendition, placement) => this.#onPlaced(rendition, placement),
        onProgress: (revision, at, progress) => this.events.emit('progress', { revision, slice: at, ...progress }),
        onError: (error) => this.events.emit('error', error),
      },
      this.#limits,
    );
    const decision = { ...FROM_NOISE, transitionSlices, interpolation };
    this.#acceptance = new Acceptance(
      { prompts, seed, guidance, decision },
      { mode, generator, revisions: this.#revisions, place: this.#place },
    );
    this.live?.events.on('changed', () => this.#acceptance.startOver());
    this.#review = every(clock, REVIEW_MS, () => this.#onReview());
  }

  /** Outcome of the latest accepted request. */
  get accepted(): Promise<Accepted> {
    return this.#acceptance.latest;
  }

  /** Where the stream stands at admission: position, wait, and the caps that other streams leave it. */
  get place(): Readonly<Pick<Ticket, 'position' | 'waitMs' | 'tierCap'>> {
    return this.#place;
  }

  /** Number of the latest revision. */
  get revision(): number {
    return this.#revisions.latest;
  }

  /** True for a clip with nothing left to compute: its loops may be replayed. */
  get finished(): boolean {
    return this.#clipSlices !== undefined && this.#revisions.finished;
  }

  /** True from `refined` on, or at the generator's best tier if that is lower. */
  isRefined(tier: Tier): boolean {
    return this.#revisions.isRefined(tier);
  }

  /** Milliseconds since a revision was accepted; undefined for an old one. */
  sinceAcceptedMs(revision: number): number | undefined {
    return this.#revisions.sinceAcceptedMs(revision);
  }

  /** Changes what is worth making. */
  demand(demand: Demand): void {
    this.#demand = demand;
    if (demand.shown) this.playout.release(this.#deps.clock.nowUs());
    else this.playout.hold();
    this.#revisions.update(this.#limits);
    this.#place.update({ wanted: demand.asked, watched: demand.watched, computing: !this.finished });
  }

  /** The frame for this time; undefined until there is a picture. Moves the playhead, for all who read. */
  at(nowUs: number): PlayoutFrame | undefined {
    const frame = this.playout.at(nowUs, this.timeline);
    this.#revisions.follow();
    return frame;
  }

  /**
   * @param prompt the new one; undefined keeps the current one
   * @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, PARAMETER_INVALID
   */
  steer(change: Change, prompt?: string): void {
    if (this.live && change.strength !== undefined) this.live.strength = change.strength;
    this.#acceptance.steer(change, prompt === undefined ? undefined : parsePrompts(prompt, this.#clipSlices));
    this.#place.update({ computing: !this.finished });
  }

  pause(): void {
    this.playout.pause();
    this.#onPlayback();
  }

  play(): void {
    this.playout.play(this.#deps.clock.nowUs());
    this.#onPlayback();
  }

  /** @throws GlimpseError PARAMETER_INVALID for a live stream */
  seek(timeMs: number): void {
    if (this.mode === 'live')
      throw new GlimpseError('PARAMETER_INVALID', {
        message: 'A live session has no positions to seek to; only a clip has.',
      });
    this.playout.seek(timeMs, this.#deps.clock.nowUs());
    this.#revisions.follow();
    this.events.emit('sought');
  }

  /** Idempotent, never throws. */
  close(): Promise<void> {
    this.#closing ??= kept(this.#end());
    return this.#closing;
  }

  get #limits(): Limits {
    const { admitted, gradeCap } = this.#place;
    return { admitted: admitted && this.#demand.watched, tierCap: this.#demand.tier, gradeCap };
  }

  #onPlaced(rendition: Rendition, placement: Placement): void {
    if (placement === 'stale' || placement === 'lower') return;
    this.sound?.put(rendition);
    if (isLastRun(rendition, this.timeline.framesPerSlice)) {
      this.#deps.metrics.reached(rendition.tier, rendition.variant ?? 'full');
      this.#place.update({ computing: !this.finished });
      this.events.emit('made', rendition);
    }
    if (placement === 'switched' || this.playout.stands) this.events.emit('changed');
  }

  #onPlayback(): void {
    this.#revisions.follow();
    this.events.emit('changed');
  }

  /** The caps reach the revisions through the demand of those who watch. */
  #onPlace(): void {
    this.events.emit('place');
    this.#revisions.update(this.#limits);
  }

  #onReview(): void {
    this.#place.update({ computing: !this.finished });
    this.#deps.admission.review();
  }

  async #end(): Promise<void> {
    this.#place.leave();
    this.#review.close();
    this.live?.events.clear();
    await Promise.all([this.#revisions.close(), this.sound?.close()]);
    this.events.clear();
  }
}
