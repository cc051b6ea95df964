/** What Opus packets are, for those who encode, send and store them. RFC 6716, RFC 7587. Pure. */

/**
 * Rates we encode at, lowest first; Opus is transparent for most content from 48 kbps on. Below 18 kbps libopus codes
 * mono by another method (SILK), and a change to it is heard as a dip of 60 ms.
 */
export const OPUS_RATES_BPS = [20_000, 32_000, 48_000] as const;
export type OpusRateBps = (typeof OPUS_RATES_BPS)[number];

/** One packet of 20 ms. */
export interface OpusPacket {
  data: Uint8Array;
  /** Time of the first sample on the clock of the sender, us. */
  startUs: number;
}

/**
 * True for a packet that need not be sent: during silence (DTX) the encoder makes packets of one byte, the table of
 * contents alone (RFC 6716 section 3.2), and the receiver makes comfort noise by itself.
 */
export const isDtx = (data: Uint8Array): boolean => data.length <= 2;

/**
 * Samples by which what comes out of a decoder is later than what went into the encoder, at 48 kHz: libopus looks this
 * far ahead. Containers call it pre-skip (RFC 7845 section 4.2).
 */
export const OPUS_DELAY_SAMPLES = 312;
