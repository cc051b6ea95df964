/**
 * What one person gets of a stream: the link to them, the pictures that fit it, and word of what they see. Connects the
 * parts of this folder and contains no algorithm. Several viewers may share a stream; none knows of another.
 */
import { every, type Timer } from '../clock.ts';
import { toGlimpseError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import { kept } from '../lifetime/kept-promise.ts';
import { VIDEO_CODECS, type VideoCodec } from '../media/encode/encoder.ts';
import type { LiveSource } from '../picture/live-source.ts';
import type { Tier } from '../picture/tiers.ts';
import type { Stream } from '../stream/stream.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { ViewerEvents, ViewerReport, ViewerStats } from './contract.ts';
import { ControlLoop } from './control-loop.ts';
import type { ViewerDeps } from './deps.ts';
import { EncodeSeat } from './encodes/encode-seat.ts';
import type { SentPicture } from './encodes/picture-loop.ts';
import { Latencies } from './latencies.ts';
import { Link } from './link/link.ts';
import { MetricsReporter } from './metrics-reporter.ts';
import { ViewerNotifier } from './notifier.ts';
import { Presence } from './presence.ts';
import { ViewerSound } from './sound.ts';
import type { Stage } from './stage.ts';
import { snapshotStats } from './stats.ts';

const STATS_INTERVAL_MS = 1_000;
/** What is taken of a viewer's camera and microphone. */
const CAMERA = { codecs: VIDEO_CODECS, audio: false } as const;

/** What a viewer asks for. */
export interface ViewerWish {
  /** Highest tier, whether it is made or not. */
  tierCap: Tier;
  /** The only codec to send; undefined: what the offer and we prefer. */
  codec?: VideoCodec | undefined;
  /** False: what their camera sends is not taken. Default: true, where the stream follows one. */
  camera?: boolean | undefined;
  /** False: they cannot come back to a lost connection. Default: true. */
  resumable?: boolean | undefined;
}

export interface ViewerOptions {
  stage: Stage;
  wish: ViewerWish;
  /** Takes what this viewer has to tell. */
  events: EventSink<ViewerEvents>;
}

export class Viewer {
  readonly #deps: ViewerDeps;
  readonly #events: EventSink<ViewerEvents>;
  readonly #stream: Stream;
  readonly #link: Link;
  readonly #presence: Presence;
  readonly #pictures: EncodeSeat;
  readonly #sound: ViewerSound;
  readonly #control: ControlLoop;
  readonly #notifier: ViewerNotifier;
  readonly #latencies: Latencies;
  readonly #metrics: MetricsReporter;
  readonly #statsTimer: Timer;
  readonly #offs: readonly (() => void)[];
  #closing: Promise<void> | undefined;

  constructor({ stage, wish, events }: ViewerOptions, deps: ViewerDeps) {
    const { stream } = stage;
    const { clock, link, metrics, onListenerError } = deps;
    const { codec = link.codecs[0] ?? 'VP8', tierCap } = wish;
    const { timeline, playout } = stream;
    this.#deps = deps;
    this.#events = events;
    this.#stream = stream;
    this.#link = new Link({
      deps: link,
      clock,
      codec: wish.codec,
      receive: wish.camera === false || !stream.live ? undefined : CAMERA,
      sound: stream.sound !== undefined,
      resumable: wish.resumable,
      onListenerError,
    });
    this.#presence = new Presence(clock);
    this.#pictures = new EncodeSeat(stage.encodes);
    this.#sound = new ViewerSound(stream.sound);
    const parts = { link: this.#link, presence: this.#presence, pictures: this.#pictures, sound: this.#sound };
    this.#control = new ControlLoop({ clock, stage, ...parts }, tierCap);
    this.#notifier = new ViewerNotifier(events, stream);
    this.#latencies = new Latencies(clock, metrics, timeline.revision);
    this.#metrics = new MetricsReporter(metrics, playout.lateFrames);
    this.#offs = this.#followStream();
    this.#followLink();
    this.#followPictures();
    this.#pictures.prepare(codec);
    this.#statsTimer = every(clock, STATS_INTERVAL_MS, () => this.#onStatsTick());
  }

  get stats(): ViewerStats {
    return snapshotStats({
      stream: this.#stream,
      link: this.#link,
      tierCap: this.#control.tierCap,
      playing: this.#notifier.playing,
      latencies: this.#latencies.values,
    });
  }

  /** Time at which the viewer left, on the service's clock; undefined while they are present or expected. */
  get goneSinceUs(): number | undefined {
    return this.#link.goneSinceUs;
  }

  /** Highest tier that the viewer asks for. */
  set tierCap(tier: Tier) {
    this.#control.asked = tier;
  }

  /** Answers the first offer, or the offer of a new peer connection. @throws GlimpseError as `Peer.answer` */
  answer(offerSdp: string): Promise<string> {
    return this.#link.answer(offerSdp);
  }

  /** Answers the offer of an ICE restart on the current connection. @throws GlimpseError NO_SESSION */
  restart(offerSdp: string): Promise<string> {
    return this.#link.restart(offerSdp);
  }

  addCandidate(candidate: IceCandidate | null): Promise<void> {
    return this.#link.addCandidate(candidate);
  }

  sendChannel(text: string): boolean {
    return this.#link.sendChannel(text);
  }

  report({ freezes, frozenMs }: ViewerReport): void {
    this.#deps.metrics.count('viewerFreezes', freezes);
    this.#deps.metrics.count('viewerFrozenMs', frozenMs);
  }

  /** Leaves the audience at once. Idempotent, never throws. */
  close(reason: string): Promise<void> {
    this.#closing ??= kept(this.#end(reason));
    return this.#closing;
  }

  #followStream(): (() => void)[] {
    const { events } = this.#stream;
    return [
      events.on('made', (rendition) => this.#notifier.made(rendition)),
      events.on('progress', (event) => this.#notifier.progressed(event, this.#deps.clock.nowUs())),
      events.on('error', (error) => this.#events.emit('error', error)),
      events.on('place', () => {
        this.#notifier.placed(this.#stream.place);
        this.#control.run();
      }),
    ];
  }

  #followLink(): void {
    const { events } = this.#link;
    if (this.#deps.onListenerError) this.#pictures.events.onListenerError = this.#deps.onListenerError;
    events.on('channelMessage', (text) => this.#events.emit('channelMessage', text));
    events.on('expired', (reason) => this.#events.emit('expired', reason));
    events.on('feedback', () => this.#control.run());
    events.on('missed', () => this.#presence.missed());
    events.on('replaced', () => this.#detach());
    events.on('offered', () => {
      this.#latencies.offered();
      this.#presence.expected();
    });
    events.on('connected', (sender, _codec, isNew) => {
      this.#presence.back();
      if (isNew) this.#latencies.connected();
      if (isNew) this.#metrics.onConnected();
      this.#pictures.attach(sender);
      this.#sound.attach(sender);
      this.#control.run();
    });
    events.on('camera', (source) => this.#onCamera(source));
    events.on('cameraGone', (error) => {
      this.#stream.live?.release(this);
      this.#events.emit('camera', false);
      if (error) this.#events.emit('error', error);
    });
    events.on('away', () => {
      this.#reportCounts();
      this.#detach();
      this.#presence.left();
    });
  }

  /** The viewer's own camera is followed unless another one is live. */
  #onCamera(source: LiveSource): void {
    try {
      this.#stream.live?.start(this, source);
      this.#events.emit('camera', true);
    } catch (error) {
      this.#events.emit('error', toGlimpseError(error));
    }
  }

  #detach(): void {
    this.#pictures.detach();
    this.#sound.detach();
  }

  #followPictures(): void {
    const { events } = this.#pictures;
    events.on('due', () => this.#control.run());
    events.on('sent', (sent) => this.#onSent(sent));
    events.on('error', (error) => this.#events.emit('error', error));
  }

  #onSent(sent: SentPicture): void {
    const { revision, tier } = sent.picture;
    this.#latencies.sent(this.#stream.sinceAcceptedMs(revision), revision, this.#stream.isRefined(tier));
    this.#notifier.sent(sent);
  }

  #onStatsTick(): void {
    this.#reportCounts();
    if (this.#link.state !== 'live') return;
    const { stats } = this;
    this.#metrics.sample(stats, this.#link.sent?.reason);
    this.#events.emit('stats', stats);
  }

  #reportCounts(): void {
    this.#metrics.report(this.#link.sent, this.#stream.playout.lateFrames);
  }

  async #end(reason: string): Promise<void> {
    this.#reportCounts();
    for (const off of this.#offs) off();
    this.#statsTimer.close();
    this.#presence.close();
    this.#stream.live?.release(this);
    this.#control.close();
    this.#sound.detach();
    this.#pictures.close();
    await this.#link.close(reason);
    this.#link.events.clear();
  }
}
