/** What a pacer holds for a viewer: packets to send for the first time, and those that have been sent and go again. */
import type { PacedPacket } from './pacing/pacer.ts';
import { payloadBytes } from './rtp/rtp-payload.ts';
import type { MediaPacket, SentMedia } from './rtp/rtp-stream.ts';

export type Content = MediaPacket | SentMedia;

/** RTP header, the usual extensions and the SRTP tag: what pacing adds to a payload. */
export const WIRE_OVERHEAD_BYTES = 48;

export const pacedCopy = (sent: SentMedia, kind: 'rtx' | 'padding'): PacedPacket<Content> => ({
  kind,
  sizeBytes: payloadBytes(sent) + WIRE_OVERHEAD_BYTES,
  frame: sent.frame,
  ofKeyframe: sent.keyframe,
  content: sent,
});

export const wasSent = (content: Content): content is SentMedia => 'sequenceNumber' in content;
