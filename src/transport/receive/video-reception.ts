/**
 * One received video stream: packets in any order to access units in order. Loss is repaired by NACK; what stays lost
 * costs the pictures up to the next keyframe, which is asked for. Nothing is decoded here, and a picture that is too
 * large is refused by what its keyframe states. Bounded in packets, bytes and pixels. Pure.
 */
import { SequenceUnwrapper } from '../../congestion/feedback/sequence.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { Depacketizer } from './depacketizer.ts';
import { H264Depacketizer, startsH264Keyframe } from './h264-depacketizer.ts';
import { KeyframeAsker } from './keyframe-asker.ts';
import { NackList } from './nack-list.ts';
import { statedSize, type PictureSize } from './picture-size.ts';
import { ReorderBuffer, type HeldPacket } from './reorder-buffer.ts';
import type { RtpPacket } from './rtp-packet.ts';
import { readVp8, Vp8Depacketizer } from './vp8-depacketizer.ts';

export interface ReceivedFrame {
  /** VP8: the raw frame. H264: Annex B. */
  data: Uint8Array;
  keyframe: boolean;
  /** 90 kHz, 32 bits. */
  rtpTimestamp: number;
  /** Time at which its last packet came. */
  receivedUs: number;
}

export interface VideoReceptionOptions {
  codec: VideoCodec;
  /** The sender repairs loss. */
  nack: boolean;
  limits: VideoReceptionLimits;
}

export interface VideoReceptionLimits {
  /** Of one picture. */
  pixels: number;
  sidePx: number;
  /** Of one access unit. */
  frameBytes: number;
  /** Packets and bytes that wait for a missing one. */
  packets: number;
  bytes: number;
}

/** How long a missing packet is waited for: two repairs, within these bounds. */
const WAIT_MIN_US = 60_000;
const WAIT_MAX_US = 400_000;
/** Without NACK only reordering can fill a gap. */
const WAIT_UNREPAIRED_US = 40_000;
/** Packets kept while no keyframe has begun: its first one may come late. */
const KEPT_BEFORE_KEYFRAME = 64;

export class VideoReception {
  readonly #options: VideoReceptionOptions;
  readonly #buffer: ReorderBuffer;
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #nacks = new NackList();
  readonly #asker = new KeyframeAsker();
  readonly #depacketizer: Depacketizer;
  readonly #frames: ReceivedFrame[] = [];
  #refused: PictureSize | undefined;
  #needsKeyframe = true;
  /** The access unit begun must be a keyframe. */
  #mustBeKeyframe = false;
  /** Of the access unit being joined; undefined between two. */
  #timestamp: number | undefined;
  #joinedBytes = 0;
  #blockedUs: number | undefined;

  constructor(options: VideoReceptionOptions) {
    this.#options = options;
    const { packets, bytes } = options.limits;
    this.#buffer = new ReorderBuffer({ packets, bytes });
    this.#depacketizer = options.codec === 'VP8' ? new Vp8Depacketizer() : new H264Depacketizer();
  }

  /** Earliest time at which `takeNacks`, `takeKeyframeRequest` or `take` may have news. */
  get nextUs(): number {
    const nackUs = this.#options.nack ? this.#nacks.nextUs : Infinity;
    const giveUpUs = this.#blockedUs === undefined ? Infinity : this.#blockedUs + this.#waitUs;
    return Math.min(nackUs, giveUpUs, this.#asker.nextUs);
  }

  onPacket(packet: RtpPacket, nowUs: number): void {
    const { payload, rtpTimestamp, marker, sequenceNumber } = packet;
    const sequence = this.#unwrapper.unwrap(sequenceNumber);
    this.#nacks.onPacket(sequence, nowUs);
    const startsKeyframe = payload.length > 0 && this.#startsKeyframe(payload);
    const held = { rtpTimestamp, marker, payload, startsKeyframe };
    if (!this.#buffer.insert(sequence, held) && sequence >= (this.#buffer.cursor ?? 0)) this.#overflow(sequence, held);
    this.#run(nowUs);
  }

  /** The decoder could not use a frame: nothing is handed out before the next keyframe. */
  onUndecodable(nowUs: number): void {
    this.#lose(nowUs);
    this.#run(nowUs);
  }

  /** Access units complete by now, in order. */
  take(nowUs: number): ReceivedFrame[] {
    this.#run(nowUs);
    return this.#frames.splice(0);
  }

  /** The size of a picture that was refused as too large; returned once. */
  takeRefused(): PictureSize | undefined {
    const refused = this.#refused;
    this.#refused = undefined;
    return refused;
  }

  takeNacks(nowUs: number): number[] {
    return this.#options.nack ? this.#nacks.take(nowUs) : [];
  }

  takeKeyframeRequest(nowUs: number): boolean {
    return this.#asker.take(nowUs);
  }

  get #waitUs(): number {
    if (!this.#options.nack) return WAIT_UNREPAIRED_US;
    return Math.min(Math.max(this.#nacks.repairUs * 2, WAIT_MIN_US), WAIT_MAX_US);
  }

  #startsKeyframe(payload: Uint8Array): boolean {
    return this.#options.codec === 'VP8' ? (readVp8(payload)?.keyframe ?? false) : startsH264Keyframe(payload);
  }

  /** Too far ahead, or too much waits: what waits is given up, and it goes on from here. */
  #overflow(sequence: number, packet: HeldPacket): void {
    this.#lose(undefined);
    this.#buffer.skipTo(sequence);
    this.#buffer.insert(sequence, packet);
  }

  #run(nowUs: number): void {
    if (this.#needsKeyframe) this.#seekKeyframe(nowUs);
    for (let packet = this.#takeNext(); packet; packet = this.#takeNext()) this.#join(packet, nowUs);
    if (!this.#buffer.blocked) this.#blockedUs = undefined;
    else {
      this.#blockedUs ??= nowUs;
      if (nowUs - this.#blockedUs >= this.#waitUs) {
        this.#lose(nowUs);
        this.#seekKeyframe(nowUs);
        if (!this.#needsKeyframe) this.#run(nowUs);
      }
    }
    this.#nacks.forgetBefore(this.#buffer.cursor ?? 0);
  }

  #takeNext(): HeldPacket | undefined {
    return this.#needsKeyframe ? undefined : this.#buffer.take();
  }

  /** Goes to the start of a keyframe where one waits; else only the newest packets are worth keeping. */
  #seekKeyframe(nowUs: number): void {
    this.#asker.need(nowUs);
    const start = this.#buffer.findKeyframe();
    this.#blockedUs = undefined;
    if (start === undefined) return this.#buffer.keepNewest(KEPT_BEFORE_KEYFRAME);
    this.#buffer.skipTo(start);
    this.#beginAtKeyframe();
  }

  #beginAtKeyframe(): void {
    this.#needsKeyframe = false;
    this.#mustBeKeyframe = true;
  }

  #join({ payload, rtpTimestamp, marker, startsKeyframe }: HeldPacket, nowUs: number): void {
    // Packets without payload are padding.
    if (payload.length === 0) return;
    // A sender need not set the marker: the next timestamp ends an access unit too.
    if (this.#timestamp !== undefined && this.#timestamp !== rtpTimestamp) this.#finish(nowUs);
    if (this.#needsKeyframe && !startsKeyframe) return;
    if (this.#needsKeyframe) this.#beginAtKeyframe();
    this.#timestamp = rtpTimestamp;
    this.#joinedBytes += payload.length;
    const tooLarge = this.#joinedBytes > this.#options.limits.frameBytes;
    if (tooLarge || !this.#depacketizer.push(payload)) this.#lose(nowUs);
    else if (marker) this.#finish(nowUs);
  }

  #finish(nowUs: number): void {
    const whole = this.#depacketizer.finish();
    const rtpTimestamp = this.#timestamp ?? 0;
    this.#timestamp = undefined;
    this.#joinedBytes = 0;
    // Parameter sets may also come before a picture that needs earlier ones.
    if (whole === undefined || (this.#mustBeKeyframe && !whole.keyframe)) return this.#lose(nowUs);
    const size = statedSize(this.#options.codec, whole.data);
    if (size !== undefined && this.#isTooLarge(size)) {
      this.#refused = size;
      return this.#lose(nowUs);
    }
    this.#mustBeKeyframe = false;
    if (whole.keyframe) this.#asker.satisfied();
    this.#frames.push({ ...whole, rtpTimestamp, receivedUs: nowUs });
  }

  #isTooLarge({ widthPx, heightPx }: PictureSize): boolean {
    const { pixels, sidePx } = this.#options.limits;
    return widthPx * heightPx > pixels || Math.max(widthPx, heightPx) > sidePx;
  }

  /** @param nowUs undefined when a keyframe is looked for anyway before the next request */
  #lose(nowUs: number | undefined): void {
    this.#needsKeyframe = true;
    this.#depacketizer.reset();
    this.#timestamp = undefined;
    this.#joinedBytes = 0;
    if (nowUs !== undefined) this.#asker.need(nowUs);
  }
}
