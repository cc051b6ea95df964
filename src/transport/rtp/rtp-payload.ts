/**
 * One RTP payload as its format's header and a range of the access unit: a frame's bytes are copied once, into the packet
 * that leaves, and kept once however many packets and copies are made of them.
 */
export interface RtpPayload {
  /** May be empty; shared by packets that begin alike. */
  header: Uint8Array;
  /** The access unit, or what was made of it. Nobody writes to it any more. */
  data: Uint8Array;
  /** The part of `data` that follows the header. */
  from: number;
  to: number;
}

export const payloadBytes = ({ header, from, to }: RtpPayload): number => header.length + to - from;
