/**
 * The RTP stream of one video and its retransmissions (RFC 3550, RFC 4588). Sequence numbers are given at the moment of
 * sending, so a queue may be flushed without leaving a gap. Without RTX nothing is ever sent twice: the same sequence
 * number under SRTP means the same nonce.
 */
import { distance16 } from '../../congestion/feedback/sequence.ts';
import { LIMITS } from '../../limits.ts';
import type { NegotiatedVideo, OutgoingRtp } from '../media-path.ts';
import { payloadBytes, type RtpPayload } from './rtp-payload.ts';

/** What is to be sent of a frame, before it has a number. */
export interface MediaPacket extends RtpPayload {
  rtpTimestamp: number;
  marker: boolean;
  keyframe: boolean;
  /** Counts the frames of the stream. */
  frame: number;
}

export interface SentMedia extends MediaPacket {
  sequenceNumber: number;
  sentUs: number;
  /** When its latest copy was sent or asked to be sent. */
  lastCopyUs: number;
  /** A copy is claimed and neither sent nor given up yet. */
  copyWaits: boolean;
  /** Copies sent, on request or as filler. */
  copies: number;
  /** Of the original or its latest copy; -1: not told. */
  transportSequence: number;
  /** The viewer has it. */
  arrived: boolean;
}

const RTX_PREFIX_BYTES = 2;
/** Beyond this many packets serial arithmetic cannot tell before from after. */
const SERIAL_HALF = 0x4000;
/** Fresh packets to choose filler from: what is older may have left the receiver's window. */
const FILLER_WINDOW = 64;
/** No copy follows a copy sooner, whatever round trip the viewer reports: it could say none. Below any real path's. */
const CLAIM_INTERVAL_MIN_US = 10_000;

export interface RtpStreamOptions {
  video: NegotiatedVideo;
  /** 16 bits each, random (RFC 3550 section 5.1). */
  initialSequence: number;
  initialRtxSequence: number;
}

export class RtpStream {
  readonly #video: NegotiatedVideo;
  /** Slot = low bits of the sequence number. */
  readonly #history: (SentMedia | undefined)[] = [];
  #nextSequence: number;
  #nextRtxSequence: number;
  /** The latest keyframe sent: its frame, first sequence number, and how many packets ago that was. */
  #keyframe: { frame: number; sequenceNumber: number; packetsSince: number } | undefined;
  /** The payload of the packet being sent: a path copies it, so all can share one piece of memory. */
  #payload = new Uint8Array(LIMITS.rtpPayloadMaxBytes + RTX_PREFIX_BYTES);
  #packets = 0;
  #payloadBytes = 0;

  constructor({ video, initialSequence, initialRtxSequence }: RtpStreamOptions) {
    this.#video = video;
    this.#nextSequence = initialSequence & 0xffff;
    this.#nextRtxSequence = initialRtxSequence & 0xffff;
  }

  /** For sender reports: media packets and their payload bytes, retransmissions not counted. */
  get counts(): { packets: number; payloadBytes: number } {
    return { packets: this.#packets, payloadBytes: this.#payloadBytes };
  }

  /** The packet under the next sequence number. The number is used up only by `commit`; the payload holds until the next. */
  stamp(packet: MediaPacket, playoutDelayMs = 0): OutgoingRtp {
    const { ssrc, payloadType } = this.#video;
    const { rtpTimestamp, marker } = packet;
    const payload = this.#join(packet, 0);
    return { ssrc, payloadType, sequenceNumber: this.#nextSequence, rtpTimestamp, marker, payload, playoutDelayMs };
  }

  /** The packet stamped last has been sent. */
  commit(packet: MediaPacket, nowUs: number): SentMedia {
    const sequenceNumber = this.#nextSequence;
    const sent: SentMedia = {
      header: packet.header,
      data: packet.data,
      from: packet.from,
      to: packet.to,
      rtpTimestamp: packet.rtpTimestamp,
      marker: packet.marker,
      keyframe: packet.keyframe,
      frame: packet.frame,
      sequenceNumber,
      sentUs: nowUs,
      lastCopyUs: -Infinity,
      copyWaits: false,
      copies: 0,
      transportSequence: -1,
      arrived: false,
    };
    this.#history[sequenceNumber % LIMITS.rtpHistoryPackets] = sent;
    const { keyframe, frame } = packet;
    if (keyframe && this.#keyframe?.frame !== frame) this.#keyframe = { frame, sequenceNumber, packetsSince: 0 };
    if (this.#keyframe) this.#keyframe.packetsSince += 1;
    this.#nextSequence = (sequenceNumber + 1) & 0xffff;
    this.#packets += 1;
    this.#payloadBytes += payloadBytes(packet);
    return sent;
  }

  /** A packet sent before; undefined when it was never sent or is forgotten. */
  find(sequenceNumber: number): SentMedia | undefined {
    const sent = this.#history[sequenceNumber % LIMITS.rtpHistoryPackets];
    return sent?.sequenceNumber === sequenceNumber ? sent : undefined;
  }

  /** True for what a later keyframe has replaced: losing it no longer matters. */
  isSuperseded(sequenceNumber: number): boolean {
    const keyframe = this.#keyframe;
    if (!keyframe) return false;
    const sent = this.find(sequenceNumber);
    if (sent) return sent.frame < keyframe.frame;
    return keyframe.packetsSince < SERIAL_HALF && distance16(sequenceNumber, keyframe.sequenceNumber) > 0;
  }

  /**
   * Claims a lost packet for retransmission, until `commitRetransmission` or `release`.
   * @param rttUs what the viewer reports, and so not to be trusted.
   * @returns undefined when there is no RTX, it is forgotten, a copy still waits, or one went out less than a round
   * trip (at least `CLAIM_INTERVAL_MIN_US`) ago. A first claim needs no round trip: the request comes about one after
   * the packet, and refusing it by an estimate that is a little too long would cost a whole one more.
   */
  claim(sequenceNumber: number, nowUs: number, rttUs: number): SentMedia | undefined {
    const sent = this.#video.rtx && this.find(sequenceNumber);
    if (!sent || sent.copyWaits || nowUs - sent.sentUs < CLAIM_INTERVAL_MIN_US) return undefined;
    if (nowUs - sent.lastCopyUs < Math.max(rttUs, CLAIM_INTERVAL_MIN_US)) return undefined;
    sent.lastCopyUs = nowUs;
    sent.copyWaits = true;
    return sent;
  }

  /** The copy of a claimed packet will not be sent: it may be claimed again. */
  release(sent: SentMedia): void {
    sent.copyWaits = false;
  }

  /** The packet again, under the RTX stream's own next number, which is used up only by `commitRetransmission`. */
  retransmission(sent: SentMedia, playoutDelayMs = 0): OutgoingRtp | undefined {
    const { rtx } = this.#video;
    if (!rtx) return undefined;
    const payload = this.#join(sent, RTX_PREFIX_BYTES);
    payload[0] = sent.sequenceNumber >> 8;
    payload[1] = sent.sequenceNumber & 0xff;
    const { rtpTimestamp, marker } = sent;
    return { ...rtx, sequenceNumber: this.#nextRtxSequence, rtpTimestamp, marker, payload, playoutDelayMs };
  }

  /** The copy has been sent. */
  commitRetransmission(sent: SentMedia, nowUs: number): void {
    sent.lastCopyUs = nowUs;
    sent.copyWaits = false;
    sent.copies += 1;
    this.#nextRtxSequence = (this.#nextRtxSequence + 1) & 0xffff;
  }

  /**
   * A packet to send once more as filler for a probe; the receiver throws away what it has. First what it may miss: of
   * the latest keyframe, then of the deltas since, in order, each once. When it is known to have all of that, the recent
   * packet whose size is nearest to `sizeBytes`. Undefined without RTX or before anything was sent.
   */
  filler(sizeBytes: number): SentMedia | undefined {
    if (!this.#video.rtx) return undefined;
    let missed: SentMedia | undefined;
    let nearest: SentMedia | undefined;
    for (let back = 1; back <= FILLER_WINDOW; back++) {
      const sent = this.find((this.#nextSequence - back) & 0xffff);
      if (!sent) break;
      const distance = Math.abs(payloadBytes(sent) - sizeBytes);
      if (!nearest || distance < Math.abs(payloadBytes(nearest) - sizeBytes)) nearest = sent;
      const wanted = !sent.arrived && sent.copies === 0 && !sent.copyWaits && !this.isSuperseded(sent.sequenceNumber);
      if (wanted) missed = sent;
    }
    return missed ?? nearest;
  }

  /** The payload behind so many bytes of room. */
  #join(payload: RtpPayload, roomBytes: number): Uint8Array {
    const { header, data, from, to } = payload;
    const bytes = roomBytes + payloadBytes(payload);
    if (bytes > this.#payload.length) this.#payload = new Uint8Array(bytes);
    this.#payload.set(header, roomBytes);
    this.#payload.set(data.subarray(from, to), roomBytes + header.length);
    return this.#payload.subarray(0, bytes);
  }
}
