/**
 * The sender reports of one stream: its media clock, which maps capture times to RTP timestamps (RFC 3550 section 5.1),
 * and when to report it to the viewer (section 6.4.1). Sends nothing itself.
 */
import { buildSenderReport } from './sender-report.ts';

const REPORT_US = 1_000_000;

export interface ReporterOptions {
  ssrc: number;
  clockRateHz: number;
  /** The same for all streams of one viewer: receivers play them in step (RFC 3550 section 6.5.1). */
  cname: string;
  /** Uniform in [0, 1); for the start of the media clock. */
  random: () => number;
}

export interface ReportRequest {
  nowUs: number;
  wallMs: number;
  /** Totals of the stream so far. */
  counts: { packets: number; payloadBytes: number };
}

export class Reporter {
  readonly #ssrc: number;
  readonly #ticksPerUs: number;
  readonly #timestampOffset: number;
  readonly #cname: string;
  #lastFrame: { rtpTimestamp: number; captureUs: number } | undefined;
  #dueUs = -Infinity;

  constructor({ ssrc, clockRateHz, cname, random }: ReporterOptions) {
    this.#ssrc = ssrc;
    this.#ticksPerUs = clockRateHz / 1e6;
    this.#timestampOffset = Math.floor(random() * 2 ** 32);
    this.#cname = cname;
  }

  /**
   * A frame enters the stream.
   * @param rtpTimestamp the frame's own, if it has one, on the stream's clock
   * @returns its RTP timestamp, 32 bits
   */
  onFrame(captureUs: number, rtpTimestamp?: number): number {
    const own = rtpTimestamp ?? this.#timestampOffset + Math.round(captureUs * this.#ticksPerUs);
    this.#lastFrame = { rtpTimestamp: own >>> 0, captureUs };
    return this.#lastFrame.rtpTimestamp;
  }

  /** False while `take` would return nothing, even after sending. */
  isDue(nowUs: number): boolean {
    return nowUs >= this.#dueUs;
  }

  /** The compound packet to send now; undefined when none is due or nothing has been sent. */
  take({ nowUs, wallMs, counts }: ReportRequest): Uint8Array | undefined {
    if (!this.#lastFrame || counts.packets === 0 || !this.isDue(nowUs)) return undefined;
    this.#dueUs = nowUs + REPORT_US;
    const { rtpTimestamp, captureUs } = this.#lastFrame;
    return buildSenderReport({
      ssrc: this.#ssrc,
      wallMs,
      rtpTimestamp: (rtpTimestamp + Math.round((nowUs - captureUs) * this.#ticksPerUs)) >>> 0,
      packetCount: counts.packets,
      octetCount: counts.payloadBytes,
      cname: this.#cname,
    });
  }

  /** When the next report is due; Infinity: not before something is sent. */
  nextUs(nowUs: number): number {
    return this.#dueUs > nowUs ? this.#dueUs : Infinity;
  }
}
