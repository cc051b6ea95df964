/**
 * What the send path needs from a connected peer. `transport/peer/` implements it; tests implement it with an array.
 */
import type { VideoCodec } from '../media/encode/encoder.ts';

/** What offer and answer agreed on for the one video stream we send. */
export interface NegotiatedVideo {
  codec: VideoCodec;
  payloadType: number;
  ssrc: number;
  /** Undefined when the client offered no RTX (RFC 4588). */
  rtx: { payloadType: number; ssrc: number } | undefined;
  mid: string;
  clockRateHz: 90_000;
  /** RTP header extension ids (RFC 8285 one-byte form); undefined when not negotiated. */
  extensions: { mid?: number; transportWideCc?: number; absSendTime?: number; playoutDelay?: number };
  /** RTCP feedback that both sides agreed on. */
  feedback: { nack: boolean; pli: boolean; fir: boolean; transportCc: boolean; remb: boolean };
  /**
   * What the viewer's H.264 decoder accepts (RFC 6184 section 8.1); undefined for other codecs. `nalMaxBytes` is set
   * where it accepts single NAL units only (packetization mode 0).
   */
  h264?: { nalMaxBytes: number | undefined; levelIdc: number } | undefined;
}

/** What offer and answer agreed on for what the client sends to us. */
export interface NegotiatedInbound {
  /** Undefined when the client sends no video, or none is wanted. */
  video: InboundVideo | undefined;
  /** Opus; undefined as for video. */
  audio: { payloadType: number } | undefined;
  /** Id of the transport-wide number's header extension; undefined when not negotiated. */
  transportWideCc: number | undefined;
  /** SSRC and CNAME of our RTCP about these streams. */
  reportSsrc: number;
  cname: string;
}

export interface InboundVideo {
  codec: VideoCodec;
  payloadType: number;
  rtxPayloadType: number | undefined;
  /** RTCP feedback that the client understands. */
  feedback: { nack: boolean; pli: boolean; fir: boolean; transportCc: boolean };
}

/** What offer and answer agreed on for the one sound stream we send: Opus (RFC 7587). */
export interface NegotiatedAudio {
  payloadType: number;
  ssrc: number;
  mid: string;
  clockRateHz: 48_000;
  /** RTP header extension ids; the same as the video's, since both share one transport (RFC 9143 section 9.2). */
  extensions: Pick<NegotiatedVideo['extensions'], 'mid' | 'transportWideCc' | 'absSendTime'>;
  /** Transport-wide feedback covers the sound as well. */
  transportCc: boolean;
  /** Payload type of redundant audio data (RFC 2198); undefined when the client offered none. */
  redPayloadType: number | undefined;
}

/** One RTP packet before protection. The path writes the header extensions: it owns the transport-wide number. */
export interface OutgoingRtp {
  ssrc: number;
  payloadType: number;
  sequenceNumber: number;
  rtpTimestamp: number;
  marker: boolean;
  /** The caller overwrites it after the call. */
  payload: Uint8Array;
  /** For the playout-delay extension: the frame is shown this long after its time; a multiple of 10, default 0. */
  playoutDelayMs?: number;
}

export interface MediaPath {
  readonly video: NegotiatedVideo;
  /** Undefined where there is no sound to send, or the client asked for none. */
  readonly audio?: NegotiatedAudio | undefined;
  /** RTCP CNAME of all our streams (RFC 7022), as in the answer. */
  readonly cname?: string | undefined;
  /**
   * Protects and sends one packet under the next transport-wide number, which counts every packet from 0 and never
   * wraps (the wire carries its low 16 bits).
   * @returns what was sent; undefined while there is no validated path, and then no number is used
   */
  sendRtp(packet: OutgoingRtp): { transportSequence: number; sizeBytes: number } | undefined;
  /** Protects and sends one compound RTCP packet. */
  sendRtcp(packet: Uint8Array): void;
}
