/** Unwraps a retransmission (RFC 4588 section 4): the payload begins with the original sequence number. Pure. */
import type { RtpPacket } from './rtp-packet.ts';

const OSN_BYTES = 2;

/** @returns the original packet; undefined for a packet of padding, which probes the path and carries nothing */
export function unwrapRtx(
  packet: RtpPacket,
  { ssrc, payloadType }: { ssrc: number; payloadType: number },
): RtpPacket | undefined {
  const { payload } = packet;
  if (payload.length < OSN_BYTES) return undefined;
  const sequenceNumber = (payload[0]! << 8) | payload[1]!;
  return { ...packet, ssrc, payloadType, sequenceNumber, payload: payload.subarray(OSN_BYTES) };
}
