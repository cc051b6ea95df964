/**
 * What a receiver tells about one stream (RFC 3550 section 6.4.1): loss, highest sequence number, interarrival jitter
 * (appendix A.8), and when the last sender report came. Pure.
 */
import { SequenceUnwrapper } from '../../congestion/feedback/sequence.ts';
import type { ReportBlock } from '../rtcp/rtcp.ts';

const JITTER_GAIN = 1 / 16;
const LOST_MAX = 0x7f_ffff;

export class ReceptionReport {
  readonly #ssrc: number;
  readonly #clockRateHz: number;
  readonly #unwrapper = new SequenceUnwrapper();
  #first: number | undefined;
  #received = 0;
  #jitter = 0;
  #transit: number | undefined;
  #told = { expected: 0, received: 0 };
  #senderReport: { middle: number; atUs: number } | undefined;

  constructor(ssrc: number, clockRateHz: number) {
    this.#ssrc = ssrc;
    this.#clockRateHz = clockRateHz;
  }

  /** @param sequenceNumber 16 bits */
  onPacket(sequenceNumber: number, rtpTimestamp: number, nowUs: number): void {
    this.#first ??= sequenceNumber;
    this.#unwrapper.unwrap(sequenceNumber);
    this.#received += 1;
    // Differences of 32-bit times, so that neither wrap shows.
    const transit = (Math.round((nowUs * this.#clockRateHz) / 1_000_000) - rtpTimestamp) | 0;
    const difference = Math.abs((transit - (this.#transit ?? transit)) | 0);
    this.#transit = transit;
    this.#jitter += (difference - this.#jitter) * JITTER_GAIN;
  }

  /** @param middle middle 32 bits of its NTP time */
  onSenderReport(middle: number, nowUs: number): void {
    this.#senderReport = { middle, atUs: nowUs };
  }

  /** The block to send now; undefined before the first packet. `fractionLost` is since the last block. */
  take(nowUs: number): ReportBlock | undefined {
    const { highest } = this.#unwrapper;
    if (this.#first === undefined || highest === undefined) return undefined;
    const expected = highest - this.#first + 1;
    const since = expected - this.#told.expected;
    const lostSince = since - (this.#received - this.#told.received);
    this.#told = { expected, received: this.#received };
    const { middle, atUs } = this.#senderReport ?? { middle: 0, atUs: nowUs };
    return {
      ssrc: this.#ssrc,
      fractionLost: since <= 0 || lostSince <= 0 ? 0 : Math.min(lostSince / since, 255 / 256),
      cumulativeLost: Math.min(Math.max(expected - this.#received, -LOST_MAX), LOST_MAX),
      highestSequence: highest >>> 0,
      jitter: Math.floor(this.#jitter) >>> 0,
      lastSenderReport: middle,
      delaySinceLastSenderReport: Math.floor(((nowUs - atUs) * 65_536) / 1_000_000) >>> 0,
    };
  }
}
