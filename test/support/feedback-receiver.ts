/** The receiving end of a virtual link: what has come of what was sent, and the feedback that a browser would give. */
import { distance16 } from '../../src/congestion/feedback/sequence.ts';
import type { NegotiatedVideo } from '../../src/transport/media-path.ts';
import type { SentRtp } from '../../bench/support/wire/array-media-path.ts';
import type { TwccArrival } from '../../bench/support/wire/twcc-encoder.ts';

const CLOCK_OFFSET_US = 123_456_789_000;
const ASK_AGAIN_US = 150_000;
const ASKED_MAX = 100;

/** What the receiver knows: arrivals to report, sequence numbers it misses, frames it has whole. */
export class FeedbackReceiver {
  readonly #arrivals = new Map<number, number>();
  readonly #missing = new Map<number, number>();
  readonly #got = new Map<number, number>();
  readonly #markers = new Map<number, number>();
  #highest: number | undefined;
  #reported = 0;

  onRtp(packet: SentRtp, nowUs: number, video: NegotiatedVideo): void {
    this.#arrivals.set(packet.transportSequence, nowUs + CLOCK_OFFSET_US);
    const again = packet.ssrc === video.rtx?.ssrc;
    const sequence = again ? (packet.payload[0]! << 8) | packet.payload[1]! : packet.sequenceNumber;
    this.#missing.delete(sequence);
    if (this.#highest === undefined || distance16(this.#highest, sequence) > 0) {
      const from = this.#highest === undefined ? sequence : this.#highest + 1;
      for (let lost = from & 0xffff; lost !== sequence; lost = (lost + 1) & 0xffff) this.#missing.set(lost, -Infinity);
      this.#highest = sequence;
    }
    if (!this.#got.has(sequence)) this.#got.set(sequence, packet.rtpTimestamp);
    if (packet.marker) this.#markers.set(packet.rtpTimestamp, sequence);
  }

  /** How many packets of a frame have come, and whether the last is among them. */
  has(rtpTimestamp: number, packets: number): boolean {
    if (!this.#markers.has(rtpTimestamp)) return false;
    let count = 0;
    for (const timestamp of this.#got.values()) if (timestamp === rtpTimestamp) count += 1;
    return count >= packets;
  }

  /** Consecutive results since the last report; undefined when nothing new has come. */
  report(): TwccArrival[] | undefined {
    const highest = Math.max(...this.#arrivals.keys(), -1);
    if (highest < this.#reported) return undefined;
    const results: TwccArrival[] = [];
    for (let sequence = this.#reported; sequence <= highest; sequence++) {
      results.push({ sequence, arrivedAtUs: this.#arrivals.get(sequence) });
    }
    this.#reported = highest + 1;
    this.#arrivals.clear();
    return results;
  }

  /** What is missing and was not asked for lately, as NACK has it: numbers, each with the mask of those behind it. */
  askAgain(nowUs: number): [sequence: number, mask: number][] {
    const lost = [...this.#missing].filter(([, askedUs]) => nowUs - askedUs > ASK_AGAIN_US).slice(-ASKED_MAX);
    for (const [sequence] of lost) this.#missing.set(sequence, nowUs);
    return lost.map(([sequence]) => [sequence, 0]);
  }
}
