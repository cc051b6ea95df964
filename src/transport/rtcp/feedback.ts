/**
 * Handles all RTCP of a viewer: reports and transport-wide feedback go to the estimator, NACK (RFC 4585) claims packets
 * for retransmission, PLI and FIR (RFC 5104) request a keyframe.
 */
import type { BandwidthEstimator, PacketResult } from '../../congestion/bandwidth-estimator.ts';
import { IN_FLIGHT_MAX } from '../../congestion/feedback/sent-packets.ts';
import { packetsTold, TwccReader } from '../../congestion/feedback/twcc.ts';
import { Arrivals } from './arrivals.ts';
import { Budget } from '../budget.ts';
import type { KeyframeRequests } from './keyframe-requests.ts';
import type { NegotiatedVideo } from '../media-path.ts';
import type { PlayoutReserve } from '../playout-reserve.ts';
import { arePassing } from '../repair.ts';
import { parseRtcp, type ReportBlock, type RtcpItem } from './rtcp.ts';
import type { RtpStream, SentMedia } from '../rtp/rtp-stream.ts';
import type { VideoSenderCounts } from '../sender-stats.ts';
import { rttMsOf } from './sender-report.ts';

export interface FeedbackOptions {
  video: NegotiatedVideo;
  estimator: BandwidthEstimator;
  stream: RtpStream;
  keyframes: KeyframeRequests;
  counts: VideoSenderCounts;
  reserve: PlayoutReserve;
}

interface Instant {
  nowUs: number;
  wallMs: number;
}

/** Packets that a viewer may report: a thousand a second, each once, with room for repeats after an outage. */
const TOLD_PER_SECOND = { perSecond: 20_000, burst: 2 * IN_FLIGHT_MAX };
/** Cost of a message beyond the packets it reports, in packets. */
const MESSAGE_COST = 16;
/** Round trip before the first report block: the minimum interval between two copies. */
const RTT_UNKNOWN_MS = 100;
/** Reports arrive about once a second. */
const RTTS_KEPT = 10;

export class Feedback {
  readonly #options: FeedbackOptions;
  readonly #twcc = new TwccReader();
  readonly #arrivals = new Arrivals();
  readonly #told = new Budget(TOLD_PER_SECOND);
  #lastSequence: number | undefined;
  #lastFir: number | undefined;
  #rttMs: number | undefined;
  readonly #latestRttsMs: number[] = [];
  #seen = false;

  constructor(options: FeedbackOptions) {
    this.#options = options;
  }

  /** Undefined before the first report block. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** True once transport-wide feedback has arrived. */
  get seen(): boolean {
    return this.#seen;
  }

  /** A media packet, or a copy of it, has left under this transport-wide number. */
  onSent(transportSequence: number, sent: SentMedia, nowUs: number): void {
    this.#lastSequence = transportSequence;
    this.#arrivals.onSent(transportSequence, sent, nowUs);
  }

  /** A packet that is never sent again, such as sound, has left under this number. */
  onSentOnce(transportSequence: number): void {
    this.#lastSequence = transportSequence;
  }

  /**
   * Takes one compound RTCP packet; ignores what it cannot parse.
   * @returns packets to retransmit, in the order requested
   */
  take(packet: Uint8Array, now: Instant): SentMedia[] {
    const lost: SentMedia[] = [];
    let toldLeft = IN_FLIGHT_MAX;
    for (const item of parseRtcp(packet)) {
      if (item.type === 'transportFeedback') {
        toldLeft -= packetsTold(item.fci);
        this.#takeTransportFeedback(toldLeft < 0 ? undefined : item.fci, now, lost);
      } else this.#take(item, now, lost);
    }
    return lost;
  }

  /** @param fci undefined when the compound reports more packets than can be in flight */
  #takeTransportFeedback(fci: Uint8Array | undefined, { nowUs }: Instant, lost: SentMedia[]): void {
    const { estimator, counts } = this.#options;
    const affordable = fci !== undefined && this.#told.take(packetsTold(fci) + MESSAGE_COST, nowUs);
    const last = this.#lastSequence;
    const feedback = affordable && last !== undefined ? this.#twcc.read(fci, last) : undefined;
    if (!feedback || estimator.onFeedback(feedback, nowUs) === 0) counts.feedbackRefused += 1;
    if (!feedback) return;
    this.#seen = true;
    lost.push(...this.#onArrivals(feedback.packets, nowUs));
  }

  #take(item: Exclude<RtcpItem, { type: 'transportFeedback' }>, now: Instant, lost: SentMedia[]): void {
    const { video, estimator, keyframes, counts } = this.#options;
    switch (item.type) {
      case 'senderReport':
      case 'receiverReport':
        for (const block of item.blocks) this.#onReport(block, now);
        return;
      case 'nack':
        if (item.mediaSsrc === video.ssrc) lost.push(...this.#claim(item.sequences, now.nowUs));
        return;
      case 'pli':
        if (item.mediaSsrc !== video.ssrc) return;
        counts.plis += 1;
        keyframes.request('pli');
        return;
      case 'fir': {
        // RFC 5104 section 4.3.1.2: a repeated number is the same request.
        const entry = item.entries.find(({ ssrc }) => ssrc === video.ssrc);
        if (!entry || entry.commandSequence === this.#lastFir) return;
        this.#lastFir = entry.commandSequence;
        counts.firs += 1;
        keyframes.request('fir');
        return;
      }
      case 'remb':
        estimator.onRemb(item.bitrateBps, now.nowUs);
        return;
      case 'bye':
    }
  }

  /** Returns keyframe packets that feedback reports as lost, without waiting for a NACK. */
  #onArrivals(results: readonly PacketResult[], nowUs: number): SentMedia[] {
    const { stream, estimator, reserve } = this.#options;
    const { lost, repaired } = this.#arrivals.onFeedback(results);
    const { queueMs, reason } = estimator.snapshot;
    // Losses of an overflowing queue end with the queue, and no playout delay would have been long enough.
    const passing = arePassing({ queueMs, competing: reason === 'compete' });
    if (!passing) for (const { frame, lateUs } of repaired) reserve.onRepair(frame, lateUs, nowUs);
    return lost.flatMap(({ sequenceNumber }) => {
      if (stream.isSuperseded(sequenceNumber)) return [];
      return stream.claim(sequenceNumber, nowUs, this.#leastRttUs) ?? [];
    });
  }

  #onReport(block: ReportBlock, { nowUs, wallMs }: Instant): void {
    const rttMs = block.ssrc === this.#options.video.ssrc ? rttMsOf(block, wallMs) : undefined;
    if (rttMs === undefined) return;
    this.#rttMs = rttMs;
    this.#latestRttsMs.push(rttMs);
    if (this.#latestRttsMs.length > RTTS_KEPT) this.#latestRttsMs.shift();
    this.#options.estimator.onRtt(rttMs, nowUs);
  }

  /** The shortest of the last reports: a busy browser answers late, and a longer value would cost a third request. */
  get #leastRttUs(): number {
    return Math.min(...this.#latestRttsMs, this.#rttMs ?? RTT_UNKNOWN_MS) * 1_000;
  }

  /** A packet that cannot be retransmitted leaves a gap that only a keyframe repairs. */
  #claim(sequences: readonly number[], nowUs: number): SentMedia[] {
    const { video, stream, keyframes, counts } = this.#options;
    const claimed: SentMedia[] = [];
    for (const sequence of sequences) {
      counts.nacks += 1;
      if (stream.isSuperseded(sequence)) continue;
      if (!stream.find(sequence) || !video.rtx) keyframes.request('loss');
      const again = stream.claim(sequence, nowUs, this.#leastRttUs);
      if (again) claimed.push(again);
    }
    return claimed;
  }
}
