/** What a pacer holds for a viewer: new packets, and sent packets to send again. */
import type { PacedPacket } from './pacing/pacer.ts';
import { payloadBytes } from './rtp/rtp-payload.ts';
import type { MediaPacket, SentMedia } from './rtp/rtp-stream.ts';

export type Content = MediaPacket | SentMedia;

/** RTP header, the usual extensions and the SRTP tag: the bytes added to a payload on the wire. */
export const WIRE_OVERHEAD_BYTES = 48;

export const pacedCopy = (sent: SentMedia, kind: 'rtx' | 'padding'): PacedPacket<Content> => ({
  kind,
  sizeBytes: payloadBytes(sent) + WIRE_OVERHEAD_BYTES,
  frame: sent.frame,
  ofKeyframe: sent.keyframe,
  content: sent,
});

export const wasSent = (content: Content): content is SentMedia => 'sequenceNumber' in content;
