/**
 * The RTP stream of one video and its retransmissions (RFC 3550, RFC 4588). A packet gets its sequence number when it
 * is sent, so clearing a queue leaves no gap. Without RTX no packet is sent twice: the same sequence number under SRTP
 * means the same nonce.
 */
import { distance16 } from '../../congestion/feedback/sequence.ts';
import { LIMITS } from '../../limits.ts';
import type { NegotiatedVideo, OutgoingRtp } from '../media-path.ts';
import { payloadBytes, type RtpPayload } from './rtp-payload.ts';

/** A packet of a frame, before it has a sequence number. */
export interface MediaPacket extends RtpPayload {
  rtpTimestamp: number;
  marker: boolean;
  keyframe: boolean;
  /** Number of the frame in the stream. */
  frame: number;
}

export interface SentMedia extends MediaPacket {
  sequenceNumber: number;
  sentUs: number;
  /** When its latest copy was sent or claimed. */
  lastCopyUs: number;
  /** A copy is claimed, and neither sent nor dropped yet. */
  copyWaits: boolean;
  /** Copies sent, on request or as padding. */
  copies: number;
  /** Transport-wide number of the original or its latest copy; -1: unknown. */
  transportSequence: number;
  /** The viewer has received it. */
  arrived: boolean;
}

const RTX_PREFIX_BYTES = 2;
/** Beyond this many packets serial arithmetic is ambiguous. */
const SERIAL_HALF = 0x4000;
/** Recent packets usable as padding: older ones may have left the receiver's window. */
const FILLER_WINDOW = 64;
/** Minimum interval between copies, since a viewer may report a false round trip. Below any real path's. */
const CLAIM_INTERVAL_MIN_US = 10_000;

export interface RtpStreamOptions {
  video: NegotiatedVideo;
  /** 16 bits each, random (RFC 3550 section 5.1). */
  initialSequence: number;
  initialRtxSequence: number;
}

export class RtpStream {
  readonly #video: NegotiatedVideo;
  /** Indexed by the low bits of the sequence number. */
  readonly #history: (SentMedia | undefined)[] = [];
  #nextSequence: number;
  #nextRtxSequence: number;
  /** The latest keyframe sent: its frame, first sequence number, and the packets sent since. */
  #keyframe: { frame: number; sequenceNumber: number; packetsSince: number } | undefined;
  /** Buffer for the payload being sent; paths copy it, so all packets share it. */
  #payload = new Uint8Array(LIMITS.rtpPayloadMaxBytes + RTX_PREFIX_BYTES);
  #packets = 0;
  #payloadBytes = 0;

  constructor({ video, initialSequence, initialRtxSequence }: RtpStreamOptions) {
    this.#video = video;
    this.#nextSequence = initialSequence & 0xffff;
    this.#nextRtxSequence = initialRtxSequence & 0xffff;
  }

  /** For sender reports: media packets and their payload bytes, without retransmissions. */
  get counts(): { packets: number; payloadBytes: number } {
    return { packets: this.#packets, payloadBytes: this.#payloadBytes };
  }

  /** The packet under the next sequence number, which only `commit` uses up. Its payload is valid until the next. */
  stamp(packet: MediaPacket, playoutDelayMs = 0): OutgoingRtp {
    const { ssrc, payloadType } = this.#video;
    const { rtpTimestamp, marker } = packet;
    const payload = this.#join(packet, 0);
    return { ssrc, payloadType, sequenceNumber: this.#nextSequence, rtpTimestamp, marker, payload, playoutDelayMs };
  }

  /** Records that the last stamped packet was sent. */
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

  /** A sent packet; undefined when it was never sent or is no longer held. */
  find(sequenceNumber: number): SentMedia | undefined {
    const sent = this.#history[sequenceNumber % LIMITS.rtpHistoryPackets];
    return sent?.sequenceNumber === sequenceNumber ? sent : undefined;
  }

  /** True for a packet that a later keyframe has replaced: its loss no longer matters. */
  isSuperseded(sequenceNumber: number): boolean {
    const keyframe = this.#keyframe;
    if (!keyframe) return false;
    const sent = this.find(sequenceNumber);
    if (sent) return sent.frame < keyframe.frame;
    return keyframe.packetsSince < SERIAL_HALF && distance16(sequenceNumber, keyframe.sequenceNumber) > 0;
  }

  /**
   * Claims a lost packet for retransmission, until `commitRetransmission` or `release`.
   * @param rttUs reported by the viewer, so not trusted
   * @returns undefined without RTX, when the packet is no longer held, when a copy waits, or when one was sent less
   * than a round trip (at least `CLAIM_INTERVAL_MIN_US`) ago. A first claim needs no round trip: the request comes
   * about one after the packet, and a slightly long estimate would cost another.
   */
  claim(sequenceNumber: number, nowUs: number, rttUs: number): SentMedia | undefined {
    const sent = this.#video.rtx && this.find(sequenceNumber);
    if (!sent || sent.copyWaits || nowUs - sent.sentUs < CLAIM_INTERVAL_MIN_US) return undefined;
    if (nowUs - sent.lastCopyUs < Math.max(rttUs, CLAIM_INTERVAL_MIN_US)) return undefined;
    sent.lastCopyUs = nowUs;
    sent.copyWaits = true;
    return sent;
  }

  /** Gives up the copy of a claimed packet, which may then be claimed again. */
  release(sent: SentMedia): void {
    sent.copyWaits = false;
  }

  /** The packet under the RTX stream's next number, which only `commitRetransmission` uses up. */
  retransmission(sent: SentMedia, playoutDelayMs = 0): OutgoingRtp | undefined {
    const { rtx } = this.#video;
    if (!rtx) return undefined;
    const payload = this.#join(sent, RTX_PREFIX_BYTES);
    payload[0] = sent.sequenceNumber >> 8;
    payload[1] = sent.sequenceNumber & 0xff;
    const { rtpTimestamp, marker } = sent;
    return { ...rtx, sequenceNumber: this.#nextRtxSequence, rtpTimestamp, marker, payload, playoutDelayMs };
  }

  /** Records that the copy was sent. */
  commitRetransmission(sent: SentMedia, nowUs: number): void {
    sent.lastCopyUs = nowUs;
    sent.copyWaits = false;
    sent.copies += 1;
    this.#nextRtxSequence = (this.#nextRtxSequence + 1) & 0xffff;
  }

  /**
   * A packet to send again as padding of a probe; the receiver discards what it has. Prefers packets that the viewer
   * may lack, each once and in order: those of the latest keyframe, then later deltas. If it has them all, returns the
   * recent packet nearest to `sizeBytes`. Undefined without RTX or before anything was sent.
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

  /** The payload after `roomBytes` of free space. */
  #join(payload: RtpPayload, roomBytes: number): Uint8Array {
    const { header, data, from, to } = payload;
    const bytes = roomBytes + payloadBytes(payload);
    if (bytes > this.#payload.length) this.#payload = new Uint8Array(bytes);
    this.#payload.set(header, roomBytes);
    this.#payload.set(data.subarray(from, to), roomBytes + header.length);
    return this.#payload.subarray(0, bytes);
  }
}
