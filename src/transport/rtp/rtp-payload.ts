/**
 * One RTP payload: the format's header and a range of the access unit. A frame's bytes are kept once, and copied only
 * into each packet that leaves.
 */
export interface RtpPayload {
  /** May be empty; packets with equal headers share it. */
  header: Uint8Array;
  /** The access unit, or bytes made from it. Never written again. */
  data: Uint8Array;
  /** The part of `data` that follows the header. */
  from: number;
  to: number;
}

export const payloadBytes = ({ header, from, to }: RtpPayload): number => header.length + to - from;
