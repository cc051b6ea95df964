/** SRTP's packet index: rollover counter × 2^16 + sequence number (RFC 3711 section 3.3.1). Pure. */
export const SEQUENCE_SPAN = 0x1_0000;

/** The 48-bit index nearest to the highest so far (RFC 3711 appendix A); negative when it is before the start. */
export function indexOf(sequenceNumber: number, highest: number): number {
  if (highest < 0) return sequenceNumber;
  const distance = (sequenceNumber - (highest % SEQUENCE_SPAN) + SEQUENCE_SPAN) % SEQUENCE_SPAN;
  return highest + (distance < SEQUENCE_SPAN / 2 ? distance : distance - SEQUENCE_SPAN);
}
