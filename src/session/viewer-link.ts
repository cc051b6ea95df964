/**
 * The way to a session's viewer: the present connection, how it is exchanged for another, where the session is in its
 * life, and whether anybody watches. What is shown over it is not known here.
 */
import { GlimpseError } from '../errors.ts';
import type { VideoCodec } from '../media/encoder.ts';
import type { IceCandidate } from '../transport/peer/contract.ts';
import type { VideoSender, VideoSenderStats } from '../transport/video-sender.ts';
import { Connection } from './connection.ts';
import type { Lifetime } from './lifetime.ts';
import type { Presence } from './presence.ts';
import type { SessionDeps } from './session-deps.ts';
import type { SessionState } from './state.ts';

/** Share of the last path's target that a new connection begins with: it may be another path. */
const KNOWN_SHARE = 0.85;

export interface ViewerLinkOptions {
  deps: Pick<SessionDeps, 'peers' | 'codecs' | 'clock' | 'pacerTimer' | 'random' | 'startBitrateBps'>;
  life: Lifetime;
  presence: Presence;
  /** The only codec to offer; undefined: all that can be encoded. */
  codec: VideoCodec | undefined;
  onCandidate: (candidate: IceCandidate | null) => void;
  onChannelMessage: (text: string) => void;
  /** An offer has come in and is about to be answered. */
  onOffered: () => void;
  onConnected: (sender: VideoSender, codec: VideoCodec) => void;
  /** The connection that carried the pictures is going, or gone; nothing may be sent over it any more. */
  onDetached: () => void;
  /** Called while what the lost connection has counted can still be read. */
  onLosing: () => void;
}

export class ViewerLink {
  readonly #options: ViewerLinkOptions;
  #connection: Connection | undefined;
  #knownBps: number | undefined;

  constructor(options: ViewerLinkOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#options.life.state;
  }

  /** Since when the viewer is gone, on the service's clock; undefined while he is there or expected. */
  get goneSinceUs(): number | undefined {
    return this.#options.life.goneSinceUs;
  }

  /** What the present connection has sent; undefined while none is up. */
  get sent(): VideoSenderStats | undefined {
    return this.#connection?.sender?.stats;
  }

  get codec(): VideoCodec | undefined {
    return this.#connection?.peer.path?.video.codec;
  }

  /** First offer, or one that replaces the connection; a refused offer leaves the old one as it is. */
  async answer(offerSdp: string): Promise<string> {
    const { life, presence, onOffered, onDetached } = this.#options;
    const old = this.#connection;
    this.#remember(old);
    const connection = this.#connect();
    this.#connection = connection;
    onOffered();
    presence.expected();
    life.apply('offered');
    try {
      return await connection.peer.answer(offerSdp);
    } catch (error) {
      // The old connection may have been lost while this offer was being read; then there is none.
      this.#connection = old?.closed ? undefined : old;
      if (!this.#connection) {
        life.apply('lost');
        presence.missed();
      }
      await connection.close('offer refused');
      throw error;
    } finally {
      if (old && this.#connection === connection) {
        onDetached();
        void old.close('replaced');
      }
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

  /** No deadline fires from here on; `close` follows. */
  end(): void {
    this.#options.life.apply('closed');
  }

  async close(reason: string): Promise<void> {
    await this.#connection?.close(reason);
  }

  #connect(): Connection {
    const { deps, codec, onCandidate, onChannelMessage } = this.#options;
    const { peers, codecs, clock, pacerTimer, random, startBitrateBps } = deps;
    const startBps = this.#knownBps ?? startBitrateBps;
    const peer = peers.createPeer({ codecs: codec ? [codec] : codecs });
    const connection = new Connection({ peer, clock, timer: pacerTimer, random, startBitrateBps: startBps });
    peer.events.on('candidate', onCandidate);
    peer.events.on('control', onChannelMessage);
    connection.events.on('connected', (sender, agreed) => this.#onConnected(connection, sender, agreed));
    connection.events.on('lost', () => this.#onLost(connection));
    return connection;
  }

  #onConnected(connection: Connection, sender: VideoSender, codec: VideoCodec): void {
    if (connection !== this.#connection) return;
    this.#options.life.apply('connected');
    this.#options.presence.back();
    this.#options.onConnected(sender, codec);
  }

  /** What the last path carried; the next one of this viewer begins a little below it, and finds its own level by probing. */
  #remember(connection: Connection | undefined): void {
    const targetBps = connection?.sender?.stats.targetBps;
    if (targetBps !== undefined) this.#knownBps = targetBps * KNOWN_SHARE;
  }

  #onLost(connection: Connection): void {
    if (connection !== this.#connection) return;
    const { life, presence, onLosing, onDetached } = this.#options;
    onLosing();
    this.#remember(connection);
    this.#connection = undefined;
    onDetached();
    presence.left();
    life.apply('lost');
  }
}
