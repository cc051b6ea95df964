/**
 * What one connection receives: at most one video and one audio stream. Sorts packets by payload type, hands out access
 * units, and writes the RTCP that the sender needs. Packets of unknown types and of further sources are counted and
 * dropped without keeping state for them. Pure.
 */
import type { NegotiatedInbound } from '../media-path.ts';
import { ArrivalLog } from './arrival-log.ts';
import { AudioReception, type ReceivedAudio } from './audio-reception.ts';
import { ReceptionReport } from './reception-report.ts';
import { joined, writeFir, writeNack, writePli, writeReceiverReport, writeTransportFeedback } from './rtcp-writer.ts';
import { findExtension, parseRtp, type RtpPacket } from './rtp-packet.ts';
import { unwrapRtx } from './rtx.ts';
import { VideoReception, type ReceivedFrame, type VideoReceptionLimits } from './video-reception.ts';
import type { PictureSize } from './picture-size.ts';

export interface MediaReceptionOptions {
  inbound: NegotiatedInbound;
  limits: VideoReceptionLimits;
}

export interface MediaReceptionStats {
  packets: number;
  bytes: number;
  /** RTX packets that carried media. */
  repaired: number;
  nacks: number;
  plis: number;
  frames: number;
  keyframes: number;
  /** Packets that were not parsed, not negotiated, or of a further source. */
  refused: number;
}

const REPORT_US = 1_000_000;
const FEEDBACK_US = 50_000;
/** A stream silent for this long may be replaced by another source of the same kind. */
const SILENT_US = 2_000_000;
/** Transport-wide messages in one compound: together they stay below a packet's size. */
const FEEDBACK_MESSAGES_MAX = 2;
/** Requests in one compound. */
const NACKS_MAX = 128;

interface Source<Reception> {
  ssrc: number;
  reception: Reception;
  report: ReceptionReport;
  heardUs: number;
}

export class MediaReception {
  readonly stats: MediaReceptionStats = {
    packets: 0,
    bytes: 0,
    repaired: 0,
    nacks: 0,
    plis: 0,
    frames: 0,
    keyframes: 0,
    refused: 0,
  };
  readonly #options: MediaReceptionOptions;
  readonly #arrivals = new ArrivalLog();
  #video: Source<VideoReception> | undefined;
  #audio: Source<AudioReception> | undefined;
  #firs = 0;
  #reportUs = -Infinity;
  #feedbackUs = -Infinity;

  constructor(options: MediaReceptionOptions) {
    this.#options = options;
  }

  /** Earliest time at which `takeRtcp`, `takeFrames` or `takeAudio` may have something. */
  get nextUs(): number {
    const feedbackUs = this.#arrivals.pending ? this.#feedbackUs + FEEDBACK_US : Infinity;
    const reportUs = this.#video || this.#audio ? this.#reportUs + REPORT_US : Infinity;
    return Math.min(
      feedbackUs,
      reportUs,
      this.#video?.reception.nextUs ?? Infinity,
      this.#audio?.reception.nextUs ?? Infinity,
    );
  }

  /** Takes one decrypted RTP packet, which it keeps views of. */
  onRtp(bytes: Uint8Array, nowUs: number): void {
    const packet = parseRtp(bytes);
    const { video, audio, transportWideCc } = this.#options.inbound;
    this.stats.packets += 1;
    this.stats.bytes += bytes.length;
    if (packet === undefined) return this.#refuse();
    const sequence = findExtension(packet.extensions, transportWideCc);
    if (sequence?.length === 2) this.#arrivals.onPacket((sequence[0]! << 8) | sequence[1]!, nowUs);
    if (packet.payloadType === video?.payloadType) this.#onVideo(packet, nowUs);
    else if (packet.payloadType === video?.rtxPayloadType) this.#onRtx(packet, nowUs);
    else if (packet.payloadType === audio?.payloadType) this.#onAudio(packet, nowUs);
    else this.#refuse();
  }

  /** @param middle middle 32 bits of the report's NTP time */
  onSenderReport(ssrc: number, middle: number, nowUs: number): void {
    for (const source of [this.#video, this.#audio])
      if (source?.ssrc === ssrc) source.report.onSenderReport(middle, nowUs);
  }

  /** Access units complete by now, in order. */
  takeFrames(nowUs: number): ReceivedFrame[] {
    const frames = this.#video?.reception.take(nowUs) ?? [];
    this.stats.frames += frames.length;
    for (const { keyframe } of frames) this.stats.keyframes += keyframe ? 1 : 0;
    return frames;
  }

  takeAudio(nowUs: number): ReceivedAudio[] {
    return this.#audio?.reception.take(nowUs) ?? [];
  }

  /** The size of a picture that was refused as too large; returned once. */
  takeRefused(): PictureSize | undefined {
    return this.#video?.reception.takeRefused();
  }

  /** The decoder could not use a frame. */
  onUndecodable(nowUs: number): void {
    this.#video?.reception.onUndecodable(nowUs);
  }

  /** The compound packet to send now; undefined for none. */
  takeRtcp(nowUs: number): Uint8Array | undefined {
    const { reportSsrc, cname } = this.#options.inbound;
    const feedback = [...this.#takeRequests(nowUs), ...this.#takeTransportFeedback(nowUs)];
    const reportDue = nowUs >= this.#reportUs + REPORT_US;
    const blocks = reportDue ? this.#takeBlocks(nowUs) : [];
    if (feedback.length === 0 && blocks.length === 0) return undefined;
    if (reportDue) this.#reportUs = nowUs;
    // A compound begins with a report, if only an empty one (RFC 3550 section 6.1).
    return joined([writeReceiverReport(reportSsrc, blocks, cname), ...feedback]);
  }

  #refuse(): void {
    this.stats.refused += 1;
  }

  #onVideo(packet: RtpPacket, nowUs: number): void {
    const { inbound, limits } = this.#options;
    const { codec, feedback } = inbound.video!;
    if (isReplaceable(this.#video, packet.ssrc, nowUs)) {
      const reception = new VideoReception({ codec, nack: feedback.nack, limits });
      this.#video = { ssrc: packet.ssrc, reception, report: new ReceptionReport(packet.ssrc, 90_000), heardUs: nowUs };
    }
    const source = this.#video!;
    if (source.ssrc !== packet.ssrc) return this.#refuse();
    source.heardUs = nowUs;
    source.report.onPacket(packet.sequenceNumber, packet.rtpTimestamp, nowUs);
    source.reception.onPacket(packet, nowUs);
  }

  /** A repair belongs to the one video stream there is: its own SSRC needs no state. */
  #onRtx(packet: RtpPacket, nowUs: number): void {
    const source = this.#video;
    const { payloadType } = this.#options.inbound.video!;
    const original = source && unwrapRtx(packet, { ssrc: source.ssrc, payloadType });
    if (original === undefined) return;
    this.stats.repaired += 1;
    source!.reception.onPacket(original, nowUs);
  }

  #onAudio(packet: RtpPacket, nowUs: number): void {
    if (isReplaceable(this.#audio, packet.ssrc, nowUs)) {
      const report = new ReceptionReport(packet.ssrc, 48_000);
      this.#audio = { ssrc: packet.ssrc, reception: new AudioReception(), report, heardUs: nowUs };
    }
    const source = this.#audio!;
    if (source.ssrc !== packet.ssrc) return this.#refuse();
    source.heardUs = nowUs;
    source.report.onPacket(packet.sequenceNumber, packet.rtpTimestamp, nowUs);
    source.reception.onPacket(packet, nowUs);
  }

  #takeBlocks(nowUs: number): NonNullable<ReturnType<ReceptionReport['take']>>[] {
    return [this.#video, this.#audio].flatMap((source) => source?.report.take(nowUs) ?? []);
  }

  #takeRequests(nowUs: number): Uint8Array[] {
    const source = this.#video;
    const feedback = this.#options.inbound.video?.feedback;
    if (source === undefined || feedback === undefined) return [];
    const { reportSsrc } = this.#options.inbound;
    const requests: Uint8Array[] = [];
    const nacks = source.reception.takeNacks(nowUs).slice(0, NACKS_MAX);
    if (nacks.length > 0) requests.push(writeNack(reportSsrc, source.ssrc, nacks));
    this.stats.nacks += nacks.length;
    if (source.reception.takeKeyframeRequest(nowUs)) {
      if (feedback.pli) requests.push(writePli(reportSsrc, source.ssrc));
      else if (feedback.fir) requests.push(writeFir(reportSsrc, source.ssrc, this.#firs++));
      this.stats.plis += 1;
    }
    return requests;
  }

  #takeTransportFeedback(nowUs: number): Uint8Array[] {
    const messages: Uint8Array[] = [];
    if (!this.#arrivals.pending || nowUs < this.#feedbackUs + FEEDBACK_US) return messages;
    this.#feedbackUs = nowUs;
    const mediaSsrc = this.#video?.ssrc ?? this.#audio?.ssrc ?? 0;
    while (messages.length < FEEDBACK_MESSAGES_MAX) {
      const told = this.#arrivals.take();
      if (told === undefined) break;
      messages.push(writeTransportFeedback(this.#options.inbound.reportSsrc, mediaSsrc, told));
    }
    return messages;
  }
}

/** No source yet, or another one after silence: a browser that changes its track may change the SSRC. */
function isReplaceable(source: Source<unknown> | undefined, ssrc: number, nowUs: number): boolean {
  return source === undefined || (source.ssrc !== ssrc && nowUs - source.heardUs >= SILENT_US);
}
