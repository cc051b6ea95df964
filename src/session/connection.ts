/**
 * One peer connection of a session with the send path above it. A session outlives its connections: on `resume` it
 * gets another, and the old one is closed once the new one carries pictures.
 */
import type { Clock } from '../clock.ts';
import { GlimpseEstimator } from '../congestion/estimator.ts';
import { Emitter } from '../events.ts';
import type { VideoCodec } from '../media/encoder.ts';
import type { Peer } from '../transport/peer/contract.ts';
import type { PacerTimer } from '../transport/pacer-timer.ts';
import { VideoSender } from '../transport/video-sender.ts';

export interface ConnectionEvents {
  connected: [sender: VideoSender, codec: VideoCodec];
  /** The peer is gone (closed, or silent until its consent ran out, RFC 7675) and this connection has closed itself. */
  lost: [];
}

export interface ConnectionOptions {
  peer: Peer;
  clock: Clock;
  timer: PacerTimer;
  random: () => number;
  startBitrateBps: number;
}

export class Connection {
  readonly peer: Peer;
  readonly events = new Emitter<ConnectionEvents>();
  readonly #options: ConnectionOptions;
  #sender: VideoSender | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.peer.events.on('state', (state, reason) => {
      if (state === 'connected') this.#onConnected();
      else if (state === 'disconnected' || state === 'closed') this.#onLost(reason);
    });
    this.peer.events.on('rtcp', (packet) => this.#sender?.onRtcp(packet));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sender(): VideoSender | undefined {
    return this.#sender;
  }

  async close(reason: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sender?.close();
    await this.peer.close(reason);
    this.events.clear();
  }

  #onConnected(): void {
    const { path } = this.peer;
    if (this.#closed || this.#sender || !path) return;
    const { clock, timer, random, startBitrateBps } = this.#options;
    this.#sender = new VideoSender({
      path,
      estimator: new GlimpseEstimator({ startBps: startBitrateBps }),
      clock,
      timer,
      random,
    });
    this.events.emit('connected', this.#sender, path.video.codec);
  }

  #onLost(reason: string): void {
    if (this.#closed) return;
    this.events.emit('lost');
    void this.close(reason);
  }
}
