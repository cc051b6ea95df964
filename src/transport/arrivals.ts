/**
 * What of the stream the viewer has, read from transport-wide feedback. A keyframe's packets are not left to NACKs: those
 * know nothing of packets lost before the first that arrived, and may be lost themselves. Pure.
 */
import type { PacketResult } from '../congestion/bandwidth-estimator.ts';
import { LIMITS } from '../limits.ts';
import type { SentMedia } from './rtp-stream.ts';

/** Feedback older than so many packets is of no use any more. */
const REMEMBERED = 2 * LIMITS.rtpHistoryPackets;

export class Arrivals {
  readonly #sent: (SentMedia | undefined)[] = [];
  #heard = false;

  /** A media packet or a copy of it has left under this transport-wide number. */
  onSent(transportSequence: number, sent: SentMedia): void {
    sent.transportSequence = transportSequence;
    this.#sent[transportSequence % REMEMBERED] = sent;
  }

  /** @returns keyframe packets that were lost and that no later copy replaces. */
  onFeedback(results: readonly PacketResult[]): SentMedia[] {
    const [first] = results;
    if (!first) return [];
    const lost: SentMedia[] = [];
    // The receiver's first report begins with the first packet it got: those before it are lost, and in no report.
    if (!this.#heard) for (let before = 0; before < first.sequence; before++) this.#take(before, false, lost);
    this.#heard = true;
    for (const { sequence, arrivedAtUs } of results) this.#take(sequence, arrivedAtUs !== undefined, lost);
    return lost;
  }

  #take(sequence: number, arrived: boolean, lost: SentMedia[]): void {
    const sent = this.#sent[sequence % REMEMBERED];
    if (!sent) return;
    if (arrived) sent.arrived = true;
    else if (sent.keyframe && !sent.arrived && sent.transportSequence === sequence) lost.push(sent);
  }
}
