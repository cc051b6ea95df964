/**
 * The link to a viewer: the current connection, its replacement, and the state with its deadlines. Knows nothing of the
 * pictures.
 */
import type { Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { Emitter, type ListenerErrorHandler } from '../../events.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { LiveSource } from '../../picture/live-source.ts';
import type { IceCandidate, ReceiveOptions } from '../../transport/peer/contract.ts';
import type { Grant, VideoSender, VideoSenderStats } from '../../transport/video-sender.ts';
import type { LinkDeps } from '../deps.ts';
import { Connection } from './connection.ts';
import { Lifetime } from './lifetime.ts';
import type { LinkState } from './state.ts';

/** Share of the last path's target at which a new connection starts: the path may be a different one. */
const KNOWN_SHARE = 0.85;

export interface LinkEvents {
  channelMessage: [text: string];
  /** An offer has arrived and is about to be answered. */
  offered: [];
  /** The offer was refused: the expected viewer does not arrive. */
  missed: [];
  /** A connection carries pictures from now on: a new one, or the same after a silence. */
  connected: [sender: VideoSender, codec: VideoCodec, isNew: boolean];
  /** The viewer is silent or gone. The counters of the lost connection can still be read. */
  away: [];
  /** The connection that carried the pictures is closing; nothing may be sent on it. */
  replaced: [];
  /** Viewer feedback has arrived; the grant may have changed. */
  feedback: [];
  /** The first picture of the viewer's camera, of this connection. */
  camera: [source: LiveSource];
  /** The viewer's camera has failed, with a reason, or has left with its connection. */
  cameraGone: [error: GlimpseError | undefined];
  /** The viewer did not connect or come back in time. */
  expired: [reason: string];
}

export interface LinkOptions {
  deps: LinkDeps;
  clock: Clock;
  /** The only codec to offer; undefined: every codec we can encode. */
  codec?: VideoCodec | undefined;
  /** What is wanted of what the viewer sends; default: nothing. */
  receive?: ReceiveOptions | undefined;
  /** Whether there is sound to send. Default: false. */
  sound?: boolean | undefined;
  /** False: ends with its connection. Default: true. */
  resumable?: boolean | undefined;
  onListenerError?: ListenerErrorHandler | undefined;
}

export class Link {
  readonly events = new Emitter<LinkEvents>();
  readonly #options: LinkOptions;
  readonly #life: Lifetime;
  #connection: Connection | undefined;
  /** The previous connection, while an offer that would replace it is being answered. */
  #replaced: Connection | undefined;
  #answers: Promise<void> = kept(Promise.resolve());
  /** What a new connection starts with. */
  #startBps: number;

  constructor(options: LinkOptions) {
    const { deps, clock, resumable = true, onListenerError } = options;
    if (onListenerError) this.events.onListenerError = onListenerError;
    this.#options = options;
    this.#startBps = deps.startBitrateBps;
    this.#life = new Lifetime({
      clock,
      resumeGraceMs: resumable ? deps.resumeGraceMs : 0,
      onDeadline: (reason) => this.events.emit('expired', reason),
    });
  }

  get state(): LinkState {
    return this.#life.state;
  }

  /** Time at which the viewer left, on the service's clock; undefined while they are present or expected. */
  get goneSinceUs(): number | undefined {
    return this.#life.goneSinceUs;
  }

  /** Whether pictures can be sent now. */
  get sending(): boolean {
    return this.#connection?.sender !== undefined && !this.#connection.away;
  }

  /** What may be spent now; before there is a path, what it will start with. */
  get grant(): Grant {
    return (
      this.#connection?.sender?.grant ?? { targetBps: this.#startBps, soundBps: 0, repairShare: 0, pacerQueueMs: 0 }
    );
  }

  /** H.264 level of the viewer's decoder; undefined for other codecs and while it is unknown. */
  get levelIdc(): number | undefined {
    return this.#connection?.sender?.video.h264?.levelIdc;
  }

  /** Send statistics of the current connection, for people; undefined while there is none. */
  get sent(): VideoSenderStats | undefined {
    return this.#connection?.sender?.stats;
  }

  get codec(): VideoCodec | undefined {
    return this.#connection?.peer.path?.video.codec;
  }

  /**
   * Answers the first offer, or one that replaces the connection; a refused offer leaves the old connection unchanged.
   * Offers are answered one after another: each knows the connection it replaces, so that every one is closed.
   * @throws GlimpseError as `Peer.answer`, SESSION_NOT_FOUND after the end
   */
  answer(offerSdp: string): Promise<string> {
    const answered = this.#answers.then(() => this.#answer(offerSdp));
    this.#answers = kept(answered.then(ignore, ignore));
    return answered;
  }

  async #answer(offerSdp: string): Promise<string> {
    if (this.state === 'closed') throw new GlimpseError('SESSION_NOT_FOUND');
    const old = this.#connection;
    this.#replaced = old;
    this.#remember(old);
    const connection = this.#connect();
    this.#connection = connection;
    this.events.emit('offered');
    this.#life.apply('offered');
    try {
      return await connection.answer(offerSdp);
    } catch (error) {
      this.#restore(old);
      await connection.close('offer refused');
      throw error;
    } finally {
      this.#replaced = undefined;
      if (old && this.#connection === connection) {
        this.events.emit('replaced');
        void old.close('replaced');
      }
    }
  }

  /** Restores the old connection after a refused offer; it may have been lost, or have come back, meanwhile. */
  #restore(old: Connection | undefined): void {
    this.#connection = old?.closed ? undefined : old;
    if (!this.#connection || this.#connection.away) {
      this.#life.apply('lost');
      this.events.emit('missed');
    } else if (this.state === 'connecting' && this.#connection.sender) {
      this.#onConnected(this.#connection, this.#connection.sender, false);
    }
  }

  /** @throws GlimpseError NO_SESSION while there is no connection */
  restart(offerSdp: string): Promise<string> {
    if (!this.#connection) throw new GlimpseError('NO_SESSION');
    return this.#connection.answer(offerSdp);
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    await this.#connection?.peer.addCandidate(candidate);
  }

  sendChannel(text: string): boolean {
    return this.#connection?.peer.sendControl(text) ?? false;
  }

  /** Stops all deadlines at once. */
  async close(reason: string): Promise<void> {
    this.#life.apply('closed');
    await Promise.all([this.#connection?.close(reason), this.#replaced?.close(reason)]);
  }

  #connect(): Connection {
    const { deps, clock, codec, receive, sound, onListenerError } = this.#options;
    const { peers, codecs, pacerTimer: timer, random } = deps;
    const peer = peers.createPeer({ codecs: codec ? [codec] : codecs, receive, sound });
    const startBitrateBps = this.#startBps;
    const connection = new Connection({ peer, clock, timer, random, startBitrateBps, onListenerError });
    peer.events.on('control', (text) => this.events.emit('channelMessage', text));
    connection.events.on('connected', (sender) => {
      sender.events.on('feedback', () => this.events.emit('feedback'));
      this.#onConnected(connection, sender, true);
    });
    connection.events.on('away', () => this.#onAway(connection));
    connection.events.on('back', (sender) => this.#onConnected(connection, sender, false));
    connection.events.on('lost', () => this.#onLost(connection));
    connection.events.on('camera', (source) => this.events.emit('camera', source));
    connection.events.on('cameraFailed', (error) => this.events.emit('cameraGone', error));
    return connection;
  }

  #onConnected(connection: Connection, sender: VideoSender, isNew: boolean): void {
    if (connection !== this.#connection) return;
    this.#life.apply('connected');
    this.events.emit('connected', sender, sender.video.codec, isNew);
  }

  /** Keeps the last path's target: the viewer's next path starts a little lower and finds its rate by probing. */
  #remember(connection: Connection | undefined): void {
    const targetBps = connection?.sender?.grant.targetBps;
    if (targetBps !== undefined) this.#startBps = targetBps * KNOWN_SHARE;
  }

  #onAway(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#remember(connection);
    this.events.emit('away');
    this.#life.apply('lost');
  }

  #onLost(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#onAway(connection);
    this.#connection = undefined;
    this.events.emit('cameraGone', undefined);
  }
}

const ignore = (): void => {};
