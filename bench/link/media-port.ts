/** The media path of a flow on the virtual link: what the production send path hands over instead of to a peer. */
import type { MediaPath, NegotiatedVideo, OutgoingRtp } from '../../src/transport/media-path.ts';
import { VP8_DESCRIPTOR_BYTES } from '../../src/transport/rtp/vp8.ts';

/** RTP header, the usual extensions and the SRTP tag. */
const RTP_OVERHEAD_BYTES = 12 + 24 + 16;
/** SRTCP index and tag. */
export const RTCP_OVERHEAD_BYTES = 14;

/** What a browser and the service agree on for VP8. */
export const VP8_VIDEO: NegotiatedVideo = {
  codec: 'VP8',
  payloadType: 96,
  ssrc: 0x1111,
  rtx: { payloadType: 97, ssrc: 0x2222 },
  mid: '0',
  clockRateHz: 90_000,
  extensions: { transportWideCc: 3 },
  feedback: { nack: true, pli: true, fir: true, transportCc: true, remb: true },
};

export interface SentRtp extends OutgoingRtp {
  transportSequence: number;
  /** Of a retransmission: the number of the packet it repeats (RFC 4588). */
  originalSequence: number;
  keyframeStart: boolean;
  sizeBytes: number;
}

export interface MediaPortOptions {
  onRtp: (packet: SentRtp) => void;
  onRtcp: (packet: Uint8Array, sizeBytes: number) => void;
}

export class MediaPort implements MediaPath {
  readonly video = VP8_VIDEO;
  readonly #options: MediaPortOptions;
  #next = 0;

  constructor(options: MediaPortOptions) {
    this.#options = options;
  }

  sendRtp(packet: OutgoingRtp): { transportSequence: number; sizeBytes: number } {
    const { payload } = packet;
    const transportSequence = this.#next++;
    const sizeBytes = payload.length + RTP_OVERHEAD_BYTES;
    const originalSequence = (payload[0]! << 8) | payload[1]!;
    this.#options.onRtp({
      ...packet,
      transportSequence,
      originalSequence,
      keyframeStart: startsKeyframe(payload),
      sizeBytes,
    });
    return { transportSequence, sizeBytes };
  }

  sendRtcp(packet: Uint8Array): void {
    this.#options.onRtcp(packet, packet.length + RTCP_OVERHEAD_BYTES);
  }
}

/** VP8's descriptor says whether a frame starts here, the first bit of the frame whether it is a keyframe (RFC 6386 9.1). */
const startsKeyframe = (payload: Uint8Array): boolean =>
  (payload[0]! & 0x10) !== 0 && (payload[VP8_DESCRIPTOR_BYTES]! & 1) === 0;
