/**
 * The link to a session's viewer: the current connection, its replacement, the session's state, and whether the viewer
 * is present. Knows nothing of the pictures.
 */
import { GlimpseError } from '../../errors.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { IceCandidate } from '../../transport/peer/contract.ts';
import type { VideoSender, VideoSenderStats } from '../../transport/video-sender.ts';
import { Connection } from './connection.ts';
import type { Lifetime } from './lifetime.ts';
import type { Presence } from '../presence.ts';
import type { SessionDeps } from '../deps.ts';
import type { SessionState } from './state.ts';

/** Share of the last path's target at which a new connection starts: the path may be a different one. */
const KNOWN_SHARE = 0.85;

export interface ViewerLinkOptions {
  deps: Pick<
    SessionDeps,
    'peers' | 'codecs' | 'clock' | 'pacerTimer' | 'random' | 'startBitrateBps' | 'onListenerError'
  >;
  life: Lifetime;
  presence: Presence;
  /** The only codec to offer; undefined: every codec we can encode. */
  codec: VideoCodec | undefined;
  onChannelMessage: (text: string) => void;
  /** An offer has arrived and is about to be answered. */
  onOffered: () => void;
  onConnected: (sender: VideoSender, codec: VideoCodec) => void;
  /** The same connection continues after a silence. */
  onBack: (sender: VideoSender) => void;
  /** The connection that carried the pictures is closing or away; nothing may be sent on it. */
  onDetached: () => void;
  /** Called while the counters of the lost connection can still be read. */
  onLosing: () => void;
}

export class ViewerLink {
  readonly #options: ViewerLinkOptions;
  #connection: Connection | undefined;
  /** The previous connection, while an offer that would replace it is being answered. */
  #replaced: Connection | undefined;
  #answers: Promise<void> = kept(Promise.resolve());
  #knownBps: number | undefined;

  constructor(options: ViewerLinkOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#options.life.state;
  }

  /** Time at which the viewer left, on the service's clock; undefined while they are present or expected. */
  get goneSinceUs(): number | undefined {
    return this.#options.life.goneSinceUs;
  }

  /** Send statistics of the current connection; undefined while there is none. */
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
    const { life, presence, onOffered, onDetached } = this.#options;
    if (life.state === 'closed') throw new GlimpseError('SESSION_NOT_FOUND');
    const old = this.#connection;
    this.#replaced = old;
    this.#remember(old);
    const connection = this.#connect();
    this.#connection = connection;
    onOffered();
    presence.expected();
    life.apply('offered');
    try {
      return await connection.peer.answer(offerSdp);
    } catch (error) {
      this.#restore(old);
      await connection.close('offer refused');
      throw error;
    } finally {
      this.#replaced = undefined;
      if (old && this.#connection === connection) {
        onDetached();
        void old.close('replaced');
      }
    }
  }

  /** Restores the old connection after a refused offer; it may have been lost, or have come back, meanwhile. */
  #restore(old: Connection | undefined): void {
    const { life, presence } = this.#options;
    this.#connection = old?.closed ? undefined : old;
    if (!this.#connection || this.#connection.away) {
      life.apply('lost');
      presence.missed();
    } else if (life.state === 'connecting' && this.#connection.sender) {
      this.#onBack(this.#connection, this.#connection.sender);
    }
  }

  /** @throws GlimpseError NO_SESSION while there is no connection */
  restart(offerSdp: string): Promise<string> {
    if (!this.#connection) throw new GlimpseError('NO_SESSION');
    return this.#connection.peer.answer(offerSdp);
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    await this.#connection?.peer.addCandidate(candidate);
  }

  sendChannel(text: string): boolean {
    return this.#connection?.peer.sendControl(text) ?? false;
  }

  /** Stops all deadlines; `close` follows. */
  end(): void {
    this.#options.life.apply('closed');
  }

  async close(reason: string): Promise<void> {
    await Promise.all([this.#connection?.close(reason), this.#replaced?.close(reason)]);
  }

  #connect(): Connection {
    const { deps, codec, onChannelMessage } = this.#options;
    const { peers, codecs, clock, pacerTimer, random, startBitrateBps, onListenerError } = deps;
    const startBps = this.#knownBps ?? startBitrateBps;
    const peer = peers.createPeer({ codecs: codec ? [codec] : codecs });
    const common = { clock, timer: pacerTimer, random, onListenerError };
    const connection = new Connection({ peer, startBitrateBps: startBps, ...common });
    peer.events.on('control', onChannelMessage);
    connection.events.on('connected', (sender, agreed) => this.#onConnected(connection, sender, agreed));
    connection.events.on('away', () => this.#onAway(connection));
    connection.events.on('back', (sender) => this.#onBack(connection, sender));
    connection.events.on('lost', () => this.#onLost(connection));
    return connection;
  }

  #onConnected(connection: Connection, sender: VideoSender, codec: VideoCodec): void {
    if (connection !== this.#connection) return;
    this.#options.life.apply('connected');
    this.#options.presence.back();
    this.#options.onConnected(sender, codec);
  }

  /** Keeps the last path's target: the viewer's next path starts a little lower and finds its rate by probing. */
  #remember(connection: Connection | undefined): void {
    const targetBps = connection?.sender?.stats.targetBps;
    if (targetBps !== undefined) this.#knownBps = targetBps * KNOWN_SHARE;
  }

  #onBack(connection: Connection, sender: VideoSender): void {
    if (connection !== this.#connection) return;
    this.#options.life.apply('connected');
    this.#options.presence.back();
    this.#options.onBack(sender);
  }

  #onAway(connection: Connection): void {
    if (connection !== this.#connection) return;
    const { life, presence, onLosing, onDetached } = this.#options;
    onLosing();
    this.#remember(connection);
    onDetached();
    presence.left();
    life.apply('lost');
  }

  #onLost(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#onAway(connection);
    this.#connection = undefined;
  }
}

const ignore = (): void => {};
