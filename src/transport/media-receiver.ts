/**
 * Receives what one client sends: feeds the pure stages of `receive/`, hands out access units and Opus packets, and sends
 * the RTCP that they write. One wake-up serves requests, feedback and reports.
 */
import type { Clock } from '../clock.ts';
import { Emitter } from '../events.ts';
import { LIMITS } from '../limits.ts';
import type { NegotiatedInbound } from './media-path.ts';
import type { PacerTimer, Waker } from './pacing/pacer-timer.ts';
import type { ReceivedAudio } from './receive/audio-reception.ts';
import { MediaReception, type MediaReceptionStats } from './receive/media-reception.ts';
import type { PictureSize } from './receive/picture-size.ts';
import type { ReceivedFrame } from './receive/video-reception.ts';
import { parseRtcp } from './rtcp/rtcp.ts';

export interface MediaReceiverEvents {
  /** One access unit, in order; the first, and the first after a loss, is a keyframe. */
  frame: [frame: ReceivedFrame];
  /** One Opus packet, in order. */
  audio: [packet: ReceivedAudio];
  /** A picture larger than `LIMITS.cameraMaxPixels` was dropped. */
  refused: [size: PictureSize];
}

export interface MediaReceiverOptions {
  inbound: NegotiatedInbound;
  clock: Clock;
  timer: PacerTimer;
  /** Sends one compound RTCP packet. */
  sendRtcp: (packet: Uint8Array) => void;
}

const VIDEO_LIMITS = {
  pixels: LIMITS.cameraMaxPixels,
  sidePx: LIMITS.cameraMaxSidePx,
  frameBytes: LIMITS.cameraFrameMaxBytes,
  packets: LIMITS.cameraWaitingPackets,
  bytes: LIMITS.cameraWaitingMaxBytes,
};

export class MediaReceiver {
  readonly events = new Emitter<MediaReceiverEvents>();
  readonly #options: MediaReceiverOptions;
  readonly #reception: MediaReception;
  readonly #waker: Waker;
  #closed = false;

  constructor(options: MediaReceiverOptions) {
    this.#options = options;
    this.#reception = new MediaReception({ inbound: options.inbound, limits: VIDEO_LIMITS });
    this.#waker = options.timer.register((nowUs) => this.#run(nowUs));
  }

  get stats(): Readonly<MediaReceptionStats> {
    return this.#reception.stats;
  }

  /** Takes one decrypted RTP packet, which it keeps views of. */
  onRtp(packet: Uint8Array): void {
    if (this.#closed) return;
    const nowUs = this.#options.clock.nowUs();
    this.#reception.onRtp(packet, nowUs);
    this.#runNow(nowUs);
  }

  /** Takes one decrypted compound RTCP packet; only sender reports matter here. */
  onRtcp(packet: Uint8Array): void {
    if (this.#closed) return;
    const nowUs = this.#options.clock.nowUs();
    for (const item of parseRtcp(packet))
      if (item.type === 'senderReport') this.#reception.onSenderReport(item.ssrc, item.ntpMiddle, nowUs);
  }

  /** The decoder could not use a frame: asks for a keyframe, and hands out nothing before it. */
  needKeyframe(): void {
    if (this.#closed) return;
    const nowUs = this.#options.clock.nowUs();
    this.#reception.onUndecodable(nowUs);
    this.#runNow(nowUs);
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waker.close();
    this.events.clear();
  }

  #runNow(nowUs: number): void {
    const nextUs = this.#run(nowUs);
    if (nextUs !== undefined) this.#waker.by(nextUs);
  }

  #run(nowUs: number): number | undefined {
    if (this.#closed) return undefined;
    for (const frame of this.#reception.takeFrames(nowUs)) this.events.emit('frame', frame);
    for (const packet of this.#reception.takeAudio(nowUs)) this.events.emit('audio', packet);
    const refused = this.#reception.takeRefused();
    if (refused) this.events.emit('refused', refused);
    const rtcp = this.#reception.takeRtcp(nowUs);
    if (rtcp) this.#options.sendRtcp(rtcp);
    const { nextUs } = this.#reception;
    return nextUs === Infinity ? undefined : nextUs;
  }
}
