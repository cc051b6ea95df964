/**
 * One viewer's stay. Wires the stages in the order of the picture: revisions → timeline → playout → picture loop →
 * connection; holds no algorithm of its own. Ends by `close`, by its deadlines, or with its registry.
 */
import { randomBytes } from 'node:crypto';
import type { Rung } from '../congestion/allocation.ts';
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import type { Rendition } from '../generation/generator.ts';
import { joinPrompts, parsePrompts } from '../generation/prompt-list.ts';
import type { Ticket } from '../generation/admission.ts';
import { readPrompts } from '../generation/prompt-reading.ts';
import { sliceCount } from '../generation/schedule.ts';
import { lowerTier, tierRank, type Tier } from '../generation/tiers.ts';
import { rungsFor } from '../media/ladder.ts';
import { Playout } from '../timeline/playout.ts';
import { Timeline, type Placement } from '../timeline/timeline.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { VideoSender } from '../transport/video-sender.ts';
import { Connection } from './connection.ts';
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
import { Counting } from './counting.ts';
import { Latencies } from './latencies.ts';
import { Lifetime } from './lifetime.ts';
import { Presence } from './presence.ts';
import { PictureLoop, type SentPicture } from './picture-loop.ts';
import { Revisions, type RevisionChange } from './revisions.ts';
import type { SessionDeps } from './session-deps.ts';
import { snapshotStats } from './stats.ts';
import { decideSteering, FROM_NOISE, type Running } from './steering.ts';

const STATS_INTERVAL_MS = 1_000;
/** Share of the last path's target that a new connection begins with: it may be another path. */
const KNOWN_SHARE = 0.85;

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
  readonly #counting: Counting;
  readonly #life: Lifetime;
  readonly #presence: Presence;
  readonly #place: Ticket;
  readonly #statsTimer: NodeJS.Timeout;
  #connection: Connection | undefined;
  #tierLimit: Tier;
  #accepted: Promise<Accepted>;
  #playing: SentPicture | undefined;
  #knownBps: number | undefined;
  #toldPosition: number;
  #closing: Promise<void> | undefined;

  /** @throws GlimpseError PROMPT_EMPTY, PROMPT_TOO_LONG, PROMPT_LIST_TOO_LONG */
  constructor(request: SessionOpening, deps: SessionDeps, user?: User) {
    const { info } = deps.generator;
    const clipSlices = request.mode === 'clip' ? sliceCount(request.seconds, info.slice) : undefined;
    const prompts = parsePrompts(request.prompt, clipSlices);
    this.#clipSlices = clipSlices;
    this.#request = request;
    this.#deps = deps;
    this.#tierLimit = this.#limitTier(request.tierCap);
    // Asked before there is anything to finish.
    let revisions: Revisions | undefined;
    this.#place = deps.admission.enter({
      wanted: () => this.#tierLimit,
      computing: () => clipSlices === undefined || revisions?.finished !== true,
      onChange: () => this.#onPlace(),
    });
    this.#toldPosition = this.#place.position;
    this.#latencies = new Latencies(deps.clock, deps.metrics);
    this.#counting = new Counting(deps.metrics);
    this.#life = new Lifetime({
      resumeGraceMs: request.resumable === false ? 0 : deps.resumeGraceMs,
      onDeadline: (reason) => void this.close(reason),
    });
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
    this.#pictures = new PictureLoop({
      clock: deps.clock,
      timeline: this.#timeline,
      playout: this.#playout,
      createEncoder: deps.createEncoder,
      rungs: () => this.#rungs,
      generatorFps: info.slice.fps,
      tierLimit: () => this.#tierCap,
      isFinished: () => clipSlices !== undefined && this.#revisions.finished,
      onSent: (sent) => this.#onSent(sent),
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
      admitted: () => this.#place.admitted && this.#presence.computes,
      tierCap: () => {
        const { allocation } = this.#pictures;
        const recovering = deps.generator.tierCap ?? this.#tierCap;
        return lowerTier(lowerTier(this.#tierCap, recovering), allocation?.tierCap ?? this.#tierCap);
      },
      onPlaced: (rendition, placement) => this.#onPlaced(rendition, placement),
      onError: (error) => this.events.emit('error', error),
    });
    this.#pictures.prepare(request.codec ?? deps.codecs[0] ?? 'VP8', deps.startBitrateBps);
    const { seed, guidance, transitionSlices = 1, interpolation = 'linear' } = request;
    const decision = { ...FROM_NOISE, transitionSlices, interpolation };
    this.#accepted = this.#begin({ prompts, seed, guidance, decision });
    this.#statsTimer = setInterval(() => this.#onStatsTick(), STATS_INTERVAL_MS);
  }

  get accepted(): Promise<Accepted> {
    return this.#accepted;
  }

  get stats(): SessionStats {
    return snapshotStats({
      state: this.#life.state,
      request: this.#request,
      revision: this.#revisions.current?.revision ?? 0,
      paused: this.#presence.paused,
      playout: this.#playout,
      durationMs: this.#durationMs,
      tierCap: this.#tierCap,
      playing: this.#playing,
      sender: this.#connection?.sender?.stats,
      codec: this.#connection?.peer.path?.video.codec,
      latencies: this.#latencies.values,
    });
  }

  async answer(offerSdp: string): Promise<string> {
    this.#assertOpen();
    const { peers, codecs, clock, pacerTimer, random, startBitrateBps } = this.#deps;
    const preferred = this.#request.codec;
    const peer = peers.createPeer({ codecs: preferred ? [preferred] : codecs });
    const old = this.#connection;
    this.#remember(old);
    const startBps = this.#knownBps ?? startBitrateBps;
    const connection = new Connection({ peer, clock, timer: pacerTimer, random, startBitrateBps: startBps });
    this.#connection = connection;
    peer.events.on('candidate', (candidate) => this.events.emit('candidate', candidate));
    peer.events.on('control', (text) => this.events.emit('channelMessage', text));
    connection.events.on('connected', (sender, codec) => this.#onConnected(connection, sender, codec));
    connection.events.on('lost', () => this.#onLost(connection));
    this.#latencies.offered();
    this.#presence.expected();
    this.#life.apply('offered');
    try {
      return await peer.answer(offerSdp);
    } catch (error) {
      // The old connection may have been lost while this offer was being read; then there is none.
      this.#connection = old?.closed ? undefined : old;
      if (!this.#connection) {
        this.#life.apply('lost');
        this.#presence.missed();
      }
      await connection.close('offer refused');
      throw error;
    } finally {
      if (old && this.#connection === connection) {
        this.#pictures.detach();
        void old.close('replaced');
      }
    }
  }

  async restart(offerSdp: string): Promise<string> {
    this.#assertOpen();
    if (!this.#connection) throw new GlimpseError('NO_SESSION');
    return this.#connection.peer.answer(offerSdp);
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    this.#assertOpen();
    await this.#connection?.peer.addCandidate(candidate);
  }

  sendChannel(text: string): boolean {
    return this.#connection?.peer.sendControl(text) ?? false;
  }

  async control(message: Control): Promise<Accepted> {
    this.#assertOpen();
    switch (message.type) {
      case 'prompt':
        this.#steer(message, parsePrompts(message.prompt, this.#clipSlices));
        break;
      case 'steer':
        this.#steer(message, undefined);
        break;
      case 'pause':
        this.#presence.pause();
        this.#pictures.kick();
        break;
      case 'play':
        this.#presence.play();
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
    return this.#accepted;
  }

  report({ freezes, frozenMs }: ViewerReport): void {
    this.#deps.metrics.count('viewerFreezes', freezes);
    this.#deps.metrics.count('viewerFrozenMs', frozenMs);
  }

  close(reason: string): Promise<void> {
    this.#closing ??= this.#end(reason);
    return this.#closing;
  }

  #steer(message: Extract<Control, { type: 'prompt' | 'steer' }>, named: readonly string[] | undefined): void {
    const current = this.#revisions.current;
    if (!current) return;
    const { seed, guidance } = message;
    const change = { ...message, prompt: named && joinPrompts(named) };
    const decision = decideSteering(change, { mode: this.#request.mode, ...current });
    if (message.type === 'steer' && message.tierCap !== undefined) {
      this.#tierLimit = this.#limitTier(message.tierCap);
      this.#revisions.wake();
    }
    this.#accepted = decision.newRevision
      ? this.#begin({ prompts: named, seed, guidance, decision }, decision.running)
      : this.#accepted.then((accepted) => ({ ...accepted, running: decision.running }));
  }

  async #begin(change: RevisionChange, running?: Running): Promise<Accepted> {
    const queuePosition = this.#place.position;
    const { revision, seed, prompt, stretches } = this.#revisions.begin(change);
    const said = running ? { running } : {};
    const accepted: Accepted = { revision, queuePosition, seed, prompt, prompts: stretches, ...said };
    if (!change.prompts) return accepted;
    // What was understood is a courtesy to the viewer: a generator that cannot say does not stop the pictures.
    const reading = await readPrompts(this.#deps.generator, change.prompts).catch(() => undefined);
    return reading ? { ...accepted, reading } : accepted;
  }

  #onPlaced({ revision, slice, tier, frames, computeMs, cached }: Rendition, placement: Placement): void {
    if (placement === 'stale' || placement === 'lower') return;
    this.#deps.metrics.reached(tier);
    const { widthPx, heightPx } = frames[0] ?? { widthPx: 0, heightPx: 0 };
    const durationMs = (frames.length * 1000) / this.#deps.generator.info.slice.fps;
    this.events.emit('tier', {
      revision,
      slice,
      tier,
      startMs: slice * durationMs,
      durationMs,
      computeMs,
      widthPx,
      heightPx,
      ...(cached ? { cached } : {}),
    });
    if (placement === 'switched' || this.#playout.paused) this.#pictures.kick();
  }

  #onSent(sent: SentPicture): void {
    const { picture, rtpTimestamp, widthPx, heightPx } = sent;
    const { revision, slice, tier } = picture;
    const before = this.#playing?.picture;
    this.#playing = sent;
    this.#latencies.sent(this.#revisions.sinceAcceptedMs(revision), revision, this.#revisions.isRefined(tier));
    const same = before?.revision === revision && before.slice === slice && before.tier === tier;
    if (same) return;
    const { frames, fps } = this.#deps.generator.info.slice;
    const offsetMs = ((picture.frameIndex % frames) * 1000) / fps;
    this.events.emit('playing', { revision, slice, tier, rtpTimestamp, offsetMs, widthPx, heightPx });
  }

  #onConnected(connection: Connection, sender: VideoSender, codec: Parameters<PictureLoop['attach']>[1]): void {
    if (connection !== this.#connection) return;
    this.#latencies.connected();
    this.#counting.onConnected();
    this.#life.apply('connected');
    this.#presence.back();
    this.#pictures.attach(sender, codec);
  }

  #onLost(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#reportCounts();
    this.#remember(connection);
    this.#connection = undefined;
    this.#pictures.detach();
    this.#presence.left();
    this.#life.apply('lost');
  }

  /** The highest tier worth computing: what the viewer asked for, and what the machine has to give. */
  get #tierCap(): Tier {
    return lowerTier(this.#tierLimit, this.#place.tierCap);
  }

  #onPlace(): void {
    const { position, waitMs } = this.#place;
    if (position !== this.#toldPosition) this.events.emit('queue', { position, waitMs });
    this.#toldPosition = position;
    this.#revisions.wake();
  }

  /** What the last path carried; the next one of this viewer begins a little below it, and finds its own level by probing. */
  #remember(connection: Connection | undefined): void {
    const targetBps = connection?.sender?.stats.targetBps;
    if (targetBps !== undefined) this.#knownBps = targetBps * KNOWN_SHARE;
  }

  #onStatsTick(): void {
    this.#deps.admission.review();
    this.#reportCounts();
    if (this.#life.state !== 'live') return;
    const { stats } = this;
    this.#counting.sample(stats, this.#connection?.sender?.stats.reason);
    this.events.emit('stats', stats);
  }

  #reportCounts(): void {
    this.#counting.report(this.#connection?.sender?.stats, this.#playout.lateFrames);
  }

  async #end(reason: string): Promise<void> {
    this.#reportCounts();
    this.#life.apply('closed');
    this.#place.leave();
    clearInterval(this.#statsTimer);
    this.#presence.close();
    await Promise.allSettled([this.#revisions.close(), this.#pictures.close(), this.#connection?.close(reason)]);
    this.events.emit('closed', reason);
    this.events.clear();
  }

  #assertOpen(): void {
    if (this.#closing) throw new GlimpseError('SESSION_NOT_FOUND');
  }

  #limitTier(asked: Tier | undefined): Tier {
    const made = this.#deps.generator.info.tiers.map(({ tier }) => tier);
    const best = made.at(-1) ?? 'draft';
    const lowest = made[0] ?? 'draft';
    const wanted = asked ?? this.#deps.defaultTierCap?.() ?? 'refined';
    return tierRank(wanted) < tierRank(lowest) ? lowest : lowerTier(wanted, best);
  }

  get #rungs(): readonly Rung[] {
    const size = this.#deps.generator.info.tiers.find(({ tier }) => tier === this.#tierLimit);
    return size ? rungsFor(this.#deps.rungs, size) : this.#deps.rungs;
  }

  get #durationMs(): number | null {
    if (this.#request.mode === 'live') return null;
    const { frames, fps } = this.#deps.generator.info.slice;
    return (sliceCount(this.#request.seconds, { frames, fps }) * frames * 1000) / fps;
  }
}
