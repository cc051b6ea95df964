/**
 * One viewer's session. Connects the stages in the order of the picture: revisions → timeline → playout → picture loop
 * → connection; contains no algorithm. Ends by `close`, by its deadlines, or with its registry.
 */
import { randomBytes } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { isLastRun, type Rendition } from '../generation/generator.ts';
import { parsePrompts } from '../generation/prompt/prompt-list.ts';
import type { Ticket } from '../generation/engine/admission.ts';
import { sliceCount } from '../generation/slices/schedule.ts';
import { lowerTier, type Tier } from '../picture/tiers.ts';
import { Playout } from '../stream/timeline/playout.ts';
import { Timeline, type Placement } from '../stream/timeline/timeline.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import { Acceptance } from '../stream/acceptance.ts';
import type {
  Accepted,
  Control,
  Session,
  SessionEvents,
  SessionOpening,
  SessionRequest,
  SessionStats,
  User,
  ViewerReport,
} from './contract.ts';
import { sessionInputs } from '../stream/inputs.ts';
import { MetricsReporter } from '../viewer/metrics-reporter.ts';
import { Latencies } from '../viewer/latencies.ts';
import { Lifetime } from '../viewer/link/lifetime.ts';
import { Presence } from '../viewer/presence.ts';
import { PictureLoop } from '../viewer/picture-loop.ts';
import { Revisions } from '../stream/revisions/revisions.ts';
import type { SessionDeps } from '../viewer/deps.ts';
import { ViewerNotifier } from '../viewer/notifier.ts';
import { snapshotStats } from '../viewer/stats.ts';
import { FROM_NOISE } from '../stream/steering.ts';
import { TierLimit } from '../viewer/tier-limit.ts';
import { ViewerLink } from '../viewer/link/viewer-link.ts';
import { kept } from '../lifetime/kept-promise.ts';

const STATS_INTERVAL_MS = 1_000;

export class ViewerSession implements Session {
  readonly id = randomBytes(16).toString('base64url');
  readonly resumeToken = randomBytes(24).toString('base64url');
  readonly events = new Emitter<SessionEvents>();
  readonly #deps: SessionDeps;
  readonly #request: SessionRequest;
  readonly #timeline: Timeline;
  readonly #playout: Playout;
  readonly #revisions: Revisions;
  readonly #pictures: PictureLoop;
  readonly #clipSlices: number | undefined;
  readonly #latencies: Latencies;
  readonly #metrics: MetricsReporter;
  readonly #presence: Presence;
  readonly #place: Ticket;
  readonly #limit: TierLimit;
  readonly #notifier: ViewerNotifier;
  readonly #link: ViewerLink;
  readonly #acceptance: Acceptance;
  readonly #statsTimer: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  /** @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG, PARAMETER_INVALID */
  constructor(request: SessionOpening, deps: SessionDeps, user?: User) {
    const { info } = deps.generator;
    const clipSlices = request.mode === 'clip' ? sliceCount(request.seconds, info.slice) : undefined;
    const prompts = parsePrompts(request.prompt, clipSlices);
    const inputs = sessionInputs(request, info);
    this.#clipSlices = clipSlices;
    this.#request = request;
    this.#deps = deps;
    this.#limit = new TierLimit(request.tierCap, deps);
    this.#notifier = new ViewerNotifier(this.events, info.slice);
    this.#timeline = new Timeline(info.slice.frames);
    this.#playout = new Playout({
      fps: info.slice.fps,
      loopFrames: clipSlices === undefined ? undefined : clipSlices * info.slice.frames,
    });
    this.#presence = new Presence({
      clock: deps.clock,
      playout: this.#playout,
      onChange: () => this.#revisions.wake(),
    });
    // Admission may ask before `Revisions` exists.
    let revisions: Revisions | undefined;
    this.#place = deps.admission.enter({
      wanted: () => this.#limit.tier,
      computing: () => clipSlices === undefined || revisions?.finished !== true,
      patient: clipSlices !== undefined,
      watched: () => this.#presence.computes,
      onChange: () => this.#onPlace(),
    });
    this.#notifier.placed(this.#place);
    this.#latencies = new Latencies(deps.clock, deps.metrics);
    this.#metrics = new MetricsReporter(deps.metrics);
    this.#pictures = new PictureLoop({
      clock: deps.clock,
      timeline: this.#timeline,
      playout: this.#playout,
      createEncoder: deps.createEncoder,
      loops: deps.loops,
      rungs: () => this.#limit.rungs,
      generatorFps: info.slice.fps,
      tierLimit: () => this.#tierCap,
      isFinished: () => clipSlices !== undefined && this.#revisions.finished,
      onSent: (sent) => {
        const { revision, tier } = sent.picture;
        this.#latencies.sent(this.#revisions.sinceAcceptedMs(revision), revision, this.#revisions.isRefined(tier));
        this.#notifier.sent(sent);
      },
      onProgress: () => this.#revisions.wake(),
      onError: (error) => this.events.emit('error', error),
    });
    revisions = this.#revisions = new Revisions({
      generator: deps.generator,
      scheduler: deps.scheduler,
      clock: deps.clock,
      timeline: this.#timeline,
      playout: this.#playout,
      sliceCount: clipSlices,
      user: user ?? { id: this.id, weight: 1 },
      inputs,
      admitted: () => this.#place.admitted && this.#presence.computes,
      tierCap: () => {
        const allocated = this.#pictures.allocation?.tierCap ?? this.#tierCap;
        return lowerTier(lowerTier(this.#tierCap, deps.generator.tierCap ?? this.#tierCap), allocated);
      },
      gradeCap: () => this.#place.gradeCap,
      onPlaced: (rendition, placement) => this.#onPlaced(rendition, placement),
      onProgress: (revision, slice, progress) =>
        this.#notifier.progressed({ revision, slice, ...progress }, deps.clock.nowUs()),
      onError: (error) => this.events.emit('error', error),
    });
    this.#link = this.#createLink(request);
    this.#pictures.prepare(request.codec ?? deps.codecs[0] ?? 'VP8', deps.startBitrateBps);
    const { seed, guidance, transitionSlices = 1, interpolation = 'linear' } = request;
    const decision = { ...FROM_NOISE, transitionSlices, interpolation };
    this.#acceptance = new Acceptance(
      { prompts, seed, guidance, decision },
      { mode: request.mode, generator: deps.generator, revisions, place: this.#place },
    );
    this.#statsTimer = setInterval(() => this.#onStatsTick(), STATS_INTERVAL_MS);
  }

  get accepted(): Promise<Accepted> {
    return this.#acceptance.latest;
  }

  get goneSinceUs(): number | undefined {
    return this.#link.goneSinceUs;
  }

  get stats(): SessionStats {
    return snapshotStats({
      state: this.#link.state,
      request: this.#request,
      revision: this.#revisions.current?.revision ?? 0,
      paused: this.#presence.paused,
      playout: this.#playout,
      tierCap: this.#tierCap,
      playing: this.#notifier.playing,
      sender: this.#link.sent,
      codec: this.#link.codec,
      latencies: this.#latencies.values,
    });
  }

  async answer(offerSdp: string): Promise<string> {
    this.#assertOpen();
    return this.#link.answer(offerSdp);
  }

  async restart(offerSdp: string): Promise<string> {
    this.#assertOpen();
    return this.#link.restart(offerSdp);
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    this.#assertOpen();
    await this.#link.addCandidate(candidate);
  }

  sendChannel(text: string): boolean {
    return this.#link.sendChannel(text);
  }

  async control(message: Control): Promise<Accepted> {
    this.#assertOpen();
    switch (message.type) {
      case 'prompt':
        this.#acceptance.steer(message, parsePrompts(message.prompt, this.#clipSlices));
        break;
      case 'steer':
        this.#acceptance.steer(message, undefined);
        if (message.tierCap === undefined) break;
        this.#limit.asked = message.tierCap;
        this.#revisions.wake();
        break;
      case 'pause':
      case 'play':
        this.#presence[message.type]();
        this.#pictures.kick();
        break;
      case 'seek':
        if (this.#request.mode === 'live')
          throw new GlimpseError('PARAMETER_INVALID', { message: 'A live timeline cannot be sought; a clip can.' });
        this.#playout.seek(message.timeMs, this.#deps.clock.nowUs());
        this.#revisions.wake();
        this.#pictures.onSeek();
        break;
    }
    return this.#acceptance.latest;
  }

  report({ freezes, frozenMs }: ViewerReport): void {
    this.#deps.metrics.count('viewerFreezes', freezes);
    this.#deps.metrics.count('viewerFrozenMs', frozenMs);
  }

  close(reason: string): Promise<void> {
    this.#closing ??= kept(this.#end(reason));
    return this.#closing;
  }

  #createLink({ codec, resumable }: SessionOpening): ViewerLink {
    const life = new Lifetime({
      clock: this.#deps.clock,
      resumeGraceMs: resumable === false ? 0 : this.#deps.resumeGraceMs,
      onDeadline: (reason) => void this.close(reason),
    });
    return new ViewerLink({
      deps: this.#deps,
      life,
      presence: this.#presence,
      codec,
      onChannelMessage: (text) => this.events.emit('channelMessage', text),
      onOffered: () => this.#latencies.offered(),
      onConnected: (sender, agreed) => {
        this.#latencies.connected();
        this.#metrics.onConnected();
        this.#pictures.attach(sender, agreed);
      },
      onBack: (sender) => this.#pictures.attach(sender, sender.video.codec),
      onDetached: () => this.#pictures.detach(),
      onLosing: () => this.#reportCounts(),
    });
  }

  #onPlaced(rendition: Rendition, placement: Placement): void {
    if (placement === 'stale' || placement === 'lower') return;
    if (isLastRun(rendition, this.#timeline.framesPerSlice)) {
      this.#deps.metrics.reached(rendition.tier, rendition.variant ?? 'full');
      this.#notifier.made(rendition);
    }
    if (placement === 'switched' || this.#playout.paused) this.#pictures.kick();
  }

  /** The highest tier worth computing: the lower of the viewer's limit and the machine's. */
  get #tierCap(): Tier {
    return lowerTier(this.#limit.tier, this.#place.tierCap);
  }

  #onPlace(): void {
    this.#notifier.placed(this.#place);
    this.#revisions.wake();
  }

  #onStatsTick(): void {
    this.#deps.admission.review();
    this.#reportCounts();
    if (this.#link.state !== 'live') return;
    const { stats } = this;
    this.#metrics.sample(stats, this.#link.sent?.reason);
    this.events.emit('stats', stats);
  }

  #reportCounts(): void {
    this.#metrics.report(this.#link.sent, this.#playout.lateFrames);
  }

  async #end(reason: string): Promise<void> {
    this.#reportCounts();
    this.#link.end();
    this.#place.leave();
    clearInterval(this.#statsTimer);
    this.#presence.close();
    await Promise.allSettled([this.#revisions.close(), this.#pictures.close(), this.#link.close(reason)]);
    this.events.emit('closed', reason);
    this.events.clear();
  }

  #assertOpen(): void {
    if (this.#closing) throw new GlimpseError('SESSION_NOT_FOUND');
  }
}
