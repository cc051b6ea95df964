/**
 * One client's camera: its packets go through the receive path to a decoder in a process of its own, whose newest
 * pictures a stream can follow. The process starts with the first picture, so that a client who sends none costs none.
 * What a hostile client sends ends this publisher with a code, and nothing else.
 */
import type { Clock } from '../clock.ts';
import { GlimpseError } from '../errors.ts';
import { Emitter, type ListenerErrorHandler } from '../events.ts';
import { kept } from '../lifetime/kept-promise.ts';
import { LiveDecoder } from '../media/decode/live-decoder.ts';
import type { LiveSource } from '../picture/live-source.ts';
import { MediaReceiver } from '../transport/media-receiver.ts';
import type { PacerTimer } from '../transport/pacing/pacer-timer.ts';
import type { Peer } from '../transport/peer/contract.ts';
import type { ReceivedAudio } from '../transport/receive/audio-reception.ts';
import type { MediaReceptionStats } from '../transport/receive/media-reception.ts';
import type { ReceivedFrame } from '../transport/receive/video-reception.ts';

export interface PublisherEvents {
  /** The first picture is decoded. */
  started: [source: LiveSource];
  /** One Opus packet of the microphone, in order. */
  audio: [packet: ReceivedAudio];
  /** Ended by itself: LIVE_INPUT_INVALID, LIVE_INPUT_TOO_LARGE, LIVE_INPUT_UNSUPPORTED. */
  failed: [error: GlimpseError];
}

export interface PublisherOptions {
  /** Has answered an offer; its `inbound` is defined. */
  peer: Peer;
  clock: Clock;
  timer: PacerTimer;
  onListenerError?: ListenerErrorHandler | undefined;
}

export class Publisher {
  readonly events = new Emitter<PublisherEvents>();
  readonly #options: PublisherOptions;
  readonly #receiver: MediaReceiver;
  readonly #offs: readonly (() => void)[];
  #decoder: LiveDecoder | undefined;
  #started = false;
  #closing: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    const { peer, clock, timer, onListenerError } = options;
    if (onListenerError) this.events.onListenerError = onListenerError;
    this.#options = options;
    this.#receiver = new MediaReceiver({
      inbound: peer.inbound!,
      clock,
      timer,
      sendRtcp: (packet) => peer.sendRtcp(packet),
    });
    const { events } = this.#receiver;
    events.onListenerError = this.events.onListenerError;
    events.on('frame', (frame) => this.#onFrame(frame));
    events.on('audio', (packet) => this.events.emit('audio', packet));
    events.on('refused', ({ widthPx, heightPx }) =>
      this.#fail(new GlimpseError('LIVE_INPUT_TOO_LARGE', { details: { widthPx, heightPx } })),
    );
    this.#offs = [
      peer.events.on('rtp', (packet) => this.#receiver.onRtp(packet)),
      peer.events.on('rtcp', (packet) => this.#receiver.onRtcp(packet)),
    ];
  }

  get stats(): Readonly<MediaReceptionStats> {
    return this.#receiver.stats;
  }

  /** Idempotent. Resolves when the decoder's process has ended. */
  close(): Promise<void> {
    this.#closing ??= kept(this.#end());
    return this.#closing;
  }

  #onFrame(frame: ReceivedFrame): void {
    if (this.#closing) return;
    this.#decoder ??= this.#open();
    this.#decoder.push(frame);
  }

  #open(): LiveDecoder {
    const { peer, clock } = this.#options;
    const decoder = new LiveDecoder({ codec: peer.inbound!.video!.codec, clock });
    decoder.events.onListenerError = this.events.onListenerError;
    decoder.events.on('keyframeNeeded', () => this.#receiver.needKeyframe());
    decoder.events.on('failed', (error) => this.#fail(error));
    decoder.events.on('decoded', () => {
      if (this.#started || this.#closing) return;
      this.#started = true;
      this.events.emit('started', decoder);
    });
    return decoder;
  }

  #fail(error: GlimpseError): void {
    if (this.#closing) return;
    this.events.emit('failed', error);
    void this.close();
  }

  async #end(): Promise<void> {
    for (const off of this.#offs) off();
    this.#receiver.close();
    await this.#decoder?.close();
    this.events.clear();
  }
}
