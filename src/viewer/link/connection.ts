/**
 * One peer connection of a viewer with its send path. A viewer outlives their connections: `resume` gives them another,
 * and the old one closes once the new one carries pictures.
 */
import type { Clock } from '../../clock.ts';
import type { GlimpseError } from '../../errors.ts';
import { GlimpseEstimator } from '../../congestion/estimator.ts';
import { Emitter, type ListenerErrorHandler } from '../../events.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { LiveSource } from '../../picture/live-source.ts';
import { Publisher } from '../../publish/publisher.ts';
import type { Peer } from '../../transport/peer/contract.ts';
import type { PacerTimer } from '../../transport/pacing/pacer-timer.ts';
import { VideoSender } from '../../transport/video-sender.ts';

export interface ConnectionEvents {
  connected: [sender: VideoSender, codec: VideoCodec];
  /** The peer's consent expired (RFC 7675): sending must stop. A check or an ICE restart brings the peer back. */
  away: [];
  /** A peer that was away answers again: the path is the same, and its decoder needs a keyframe. */
  back: [sender: VideoSender, codec: VideoCodec];
  /** The first picture of the viewer's camera is decoded. */
  camera: [source: LiveSource];
  /** The viewer's camera has ended by itself; the connection goes on. */
  cameraFailed: [error: GlimpseError];
  /** The peer has closed, and this connection with it. */
  lost: [];
}

export interface ConnectionOptions {
  peer: Peer;
  clock: Clock;
  timer: PacerTimer;
  random: () => number;
  startBitrateBps: number;
  onListenerError?: ListenerErrorHandler | undefined;
}

export class Connection {
  readonly peer: Peer;
  readonly events = new Emitter<ConnectionEvents>();
  readonly #options: ConnectionOptions;
  #sender: VideoSender | undefined;
  #publisher: Publisher | undefined;
  #away = false;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.peer = options.peer;
    if (options.onListenerError) this.events.onListenerError = options.onListenerError;
    this.peer.events.on('state', (state, reason) => {
      if (state === 'connected') this.#onConnected();
      else if (state === 'disconnected') this.#onAway();
      else if (state === 'closed') this.#onLost(reason);
    });
    this.peer.events.on('rtcp', (packet) => this.#sender?.onRtcp(packet));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get away(): boolean {
    return this.#away;
  }

  get sender(): VideoSender | undefined {
    return this.#sender;
  }

  /** @throws GlimpseError as `Peer.answer` */
  async answer(offerSdp: string): Promise<string> {
    const answer = await this.peer.answer(offerSdp);
    if (!this.#closed && this.peer.inbound) this.#publisher ??= this.#receive();
    return answer;
  }

  async close(reason: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sender?.close();
    await Promise.all([this.peer.close(reason), this.#publisher?.close()]);
    this.events.clear();
  }

  #receive(): Publisher {
    const { peer, clock, timer, onListenerError } = this.#options;
    const publisher = new Publisher({ peer, clock, timer, onListenerError });
    publisher.events.on('started', (source) => this.events.emit('camera', source));
    publisher.events.on('failed', (error) => this.events.emit('cameraFailed', error));
    return publisher;
  }

  #onConnected(): void {
    const { path } = this.peer;
    if (this.#closed || !path) return;
    if (this.#sender) {
      if (!this.#away) return;
      this.#away = false;
      this.events.emit('back', this.#sender, path.video.codec);
      return;
    }
    const { clock, timer, random, startBitrateBps } = this.#options;
    this.#sender = new VideoSender({
      path,
      estimator: new GlimpseEstimator({ startBps: startBitrateBps }),
      clock,
      timer,
      random,
    });
    this.#sender.events.onListenerError = this.events.onListenerError;
    this.events.emit('connected', this.#sender, path.video.codec);
  }

  #onAway(): void {
    if (this.#closed || this.#away) return;
    this.#away = true;
    this.events.emit('away');
  }

  #onLost(reason: string): void {
    if (this.#closed) return;
    this.events.emit('lost');
    void this.close(reason);
  }
}
