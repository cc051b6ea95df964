/** A media path that keeps what is sent in arrays, and can be taken away. */
import { VP8_VIDEO } from '../../link/media-port.ts';
import type { MediaPath, NegotiatedAudio, NegotiatedVideo, OutgoingRtp } from '../../../src/transport/media-path.ts';

/** Header, extensions and tag, as on a real path. */
const OVERHEAD_BYTES = 12 + 24 + 16;

export interface SentRtp extends OutgoingRtp {
  transportSequence: number;
  sizeBytes: number;
}

export class ArrayMediaPath implements MediaPath {
  readonly video: NegotiatedVideo;
  readonly audio: NegotiatedAudio | undefined;
  readonly rtp: SentRtp[] = [];
  readonly rtcp: Uint8Array[] = [];
  /** False: no validated path at present. */
  up = true;
  onRtp: (packet: SentRtp) => void = () => {};
  #next = 0;

  constructor(video: NegotiatedVideo = VP8_VIDEO, audio?: NegotiatedAudio) {
    this.video = video;
    this.audio = audio;
  }

  /** Media packets only, retransmissions left out. */
  get media(): SentRtp[] {
    return this.rtp.filter((packet) => packet.ssrc === this.video.ssrc);
  }

  get sound(): SentRtp[] {
    return this.rtp.filter((packet) => packet.ssrc === this.audio?.ssrc);
  }

  get retransmissions(): SentRtp[] {
    return this.rtp.filter((packet) => packet.ssrc === this.video.rtx?.ssrc);
  }

  sendRtp(packet: OutgoingRtp): { transportSequence: number; sizeBytes: number } | undefined {
    if (!this.up) return undefined;
    const sizeBytes = packet.payload.length + OVERHEAD_BYTES;
    const sent = { ...packet, payload: packet.payload.slice(), transportSequence: this.#next++, sizeBytes };
    this.rtp.push(sent);
    this.onRtp(sent);
    return sent;
  }

  sendRtcp(packet: Uint8Array): void {
    this.rtcp.push(packet);
  }
}
