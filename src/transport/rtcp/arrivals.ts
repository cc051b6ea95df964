/**
 * Which packets the viewer has, from transport-wide feedback. Lost keyframe packets are found here instead of by NACK:
 * a NACK cannot name packets lost before the first arrival, and may itself be lost. Feedback also shows how late a
 * repair arrived, which a repeated NACK does not: receivers ask again before a copy can be there. Pure.
 */
import type { PacketResult } from '../../congestion/bandwidth-estimator.ts';
import { LIMITS } from '../../limits.ts';
import type { SentMedia } from '../rtp/rtp-stream.ts';

/** Packets remembered; feedback about older ones is ignored. */
const REMEMBERED = 2 * LIMITS.rtpHistoryPackets;

interface Transmission {
  sent: SentMedia;
  transportSequence: number;
  sentUs: number;
}

/** A lost packet that arrived as a copy. */
export interface Repair {
  frame: number;
  /** From the original's departure to the departure of the copy that arrived. */
  lateUs: number;
}

export interface ArrivalNews {
  /** Lost keyframe packets without a later copy. */
  lost: SentMedia[];
  repaired: Repair[];
}

export class Arrivals {
  readonly #transmissions: (Transmission | undefined)[] = [];
  #heard = false;

  /** A media packet or a copy of it has left under this transport-wide number. */
  onSent(transportSequence: number, sent: SentMedia, nowUs: number): void {
    sent.transportSequence = transportSequence;
    const slot = transportSequence % REMEMBERED;
    const forgotten = this.#transmissions[slot];
    // Reuses the old entry: a thousand packets a second would allocate as many.
    if (forgotten) {
      forgotten.sent = sent;
      forgotten.transportSequence = transportSequence;
      forgotten.sentUs = nowUs;
    } else this.#transmissions[slot] = { sent, transportSequence, sentUs: nowUs };
  }

  onFeedback(results: readonly PacketResult[]): ArrivalNews {
    const news: ArrivalNews = { lost: [], repaired: [] };
    const [first] = results;
    if (!first) return news;
    // The first report starts with the first packet received: earlier packets are lost, but in no report.
    if (!this.#heard) {
      const remembered = Math.max(0, first.sequence - REMEMBERED);
      for (let before = remembered; before < first.sequence; before++) this.#take(before, false, news);
    }
    this.#heard = true;
    for (const { sequence, arrivedAtUs } of results) this.#take(sequence, arrivedAtUs !== undefined, news);
    return news;
  }

  #take(sequence: number, arrived: boolean, { lost, repaired }: ArrivalNews): void {
    const transmission = this.#transmissions[sequence % REMEMBERED];
    if (transmission?.transportSequence !== sequence) return;
    const { sent, sentUs } = transmission;
    if (sent.arrived) return;
    if (arrived) {
      sent.arrived = true;
      if (sentUs > sent.sentUs) repaired.push({ frame: sent.frame, lateUs: sentUs - sent.sentUs });
    } else if (sent.keyframe && sent.transportSequence === sequence) lost.push(sent);
  }
}
