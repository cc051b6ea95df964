/**
 * The receiving browser as far as a sender can tell: transport-wide feedback at a fixed interval, a NACK as soon as a gap
 * shows and again every round trip, a PLI when a gap stays open, a receiver report every second (libwebrtc's habits).
 */
import { distance16, SequenceUnwrapper } from '../../src/congestion/feedback/sequence.ts';
import type { NegotiatedVideo } from '../../src/transport/media-path.ts';
import * as rtcp from '../support/wire/rtcp-builder.ts';
import { encodeTwcc, type TwccArrival } from '../support/wire/twcc-encoder.ts';
import type { SentRtp } from './media-port.ts';

/** As in libwebrtc's NACK module. */
const NACK_TRIES_MAX = 10;
const NACK_INTERVAL_US = 100_000;
const NACK_PACKETS_MAX = 100;
/** A gap that is still open after this stops the decoder: only a keyframe helps. */
const GIVE_UP_US = 1_000_000;
const PLI_INTERVAL_US = 1_000_000;
/** Deltas are 16 bits of 250 µs; a longer silence begins a new report. */
const REPORT_SPAN_US = 8_000_000;
/** The receiver's clock has another origin. */
const CLOCK_OFFSET_US = 123_456_789_000;

interface Missing {
  sinceUs: number;
  askedUs: number;
  tries: number;
}

export interface ReceiverOptions {
  video: NegotiatedVideo;
  /** Added to the receiver's clock from an instant on. */
  clockJump: { atUs: number; jumpUs: number } | undefined;
}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #arrivals = new Map<number, number>();
  readonly #missing = new Map<number, Missing>();
  #reported = 0;
  #highestTransport = -1;
  #feedbackCount = 0;
  #pliUs = -Infinity;
  #pliWanted = false;
  #senderReport: { middle: number; arrivedUs: number } | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  onRtp(packet: SentRtp, nowUs: number): void {
    const { video, clockJump } = this.#options;
    const jumpedUs = clockJump && nowUs >= clockJump.atUs ? clockJump.jumpUs : 0;
    this.#arrivals.set(packet.transportSequence, nowUs + CLOCK_OFFSET_US + jumpedUs);
    this.#highestTransport = Math.max(this.#highestTransport, packet.transportSequence);
    const again = packet.ssrc === video.rtx?.ssrc;
    const low = again ? packet.originalSequence : packet.sequenceNumber;
    this.#onMedia(low, nowUs, again);
    // A keyframe makes every older gap harmless.
    if (packet.keyframeStart && !again) this.#missing.clear();
  }

  /** @param report the sender report's bytes. */
  onRtcp(report: Uint8Array, nowUs: number): void {
    const view = new DataView(report.buffer, report.byteOffset, report.byteLength);
    const middle = ((view.getUint16(10) << 16) | view.getUint16(12)) >>> 0;
    this.#senderReport = { middle, arrivedUs: nowUs };
  }

  /** What has arrived since the last call, as feedback packets; empty when nothing has. */
  feedback(): Uint8Array[] {
    if (this.#highestTransport < this.#reported) return [];
    const reports: TwccArrival[][] = [[]];
    let previousUs: number | undefined;
    for (let sequence = this.#reported; sequence <= this.#highestTransport; sequence++) {
      const arrivedAtUs = this.#arrivals.get(sequence);
      const jumps = previousUs !== undefined && Math.abs((arrivedAtUs ?? previousUs) - previousUs) > REPORT_SPAN_US;
      if (jumps) reports.push([]);
      previousUs = arrivedAtUs ?? previousUs;
      reports.at(-1)!.push({ sequence, arrivedAtUs });
    }
    this.#reported = this.#highestTransport + 1;
    this.#arrivals.clear();
    return reports.map((report) => {
      const fci = encodeTwcc(report, { feedbackCount: this.#feedbackCount++ & 0xff, style: 'twoBit' });
      return rtcp.transportFeedback(this.#options.video.ssrc, fci);
    });
  }

  /** NACK and PLI that are due. */
  requests(nowUs: number): Uint8Array[] {
    const { ssrc } = this.#options.video;
    const due: number[] = [];
    for (const [sequence, missing] of this.#missing) {
      if (nowUs - missing.sinceUs > GIVE_UP_US || missing.tries >= NACK_TRIES_MAX) {
        this.#missing.delete(sequence);
        this.#pliWanted = true;
      } else if (nowUs - missing.askedUs >= NACK_INTERVAL_US && due.length < NACK_PACKETS_MAX) {
        missing.askedUs = nowUs;
        missing.tries += 1;
        due.push(sequence & 0xffff);
      }
    }
    const packets =
      due.length > 0
        ? [
            rtcp.nack(
              ssrc,
              due.map((sequence) => [sequence, 0]),
            ),
          ]
        : [];
    if (this.#pliWanted && nowUs - this.#pliUs >= PLI_INTERVAL_US) {
      this.#pliWanted = false;
      this.#pliUs = nowUs;
      packets.push(rtcp.pli(ssrc));
    }
    return packets;
  }

  /** Undefined before the first sender report: there is nothing to answer. */
  report(nowUs: number): Uint8Array | undefined {
    if (!this.#senderReport) return undefined;
    const { middle, arrivedUs } = this.#senderReport;
    return rtcp.receiverReport({
      ssrc: this.#options.video.ssrc,
      lastSenderReport: middle,
      delaySinceLastSenderReport: Math.round(((nowUs - arrivedUs) * 65_536) / 1_000_000),
    });
  }

  #onMedia(low: number, nowUs: number, again: boolean): void {
    const before = this.#unwrapper.highest;
    if (again) {
      if (before !== undefined) this.#missing.delete(before + distance16(before & 0xffff, low));
      return;
    }
    const sequence = this.#unwrapper.unwrap(low);
    this.#missing.delete(sequence);
    if (before === undefined) return;
    for (let lost = before + 1; lost < sequence; lost++) {
      this.#missing.set(lost, { sinceUs: nowUs, askedUs: -Infinity, tries: 0 });
    }
  }
}
