/**
 * What of the stream the viewer has, read from transport-wide feedback. A keyframe's packets are not left to NACKs: those
 * know nothing of packets lost before the first that arrived, and may be lost themselves. And what a copy came too late by
 * is only known once one has arrived: receivers ask again before it can be there. Pure.
 */
import type { PacketResult } from '../../congestion/bandwidth-estimator.ts';
import { LIMITS } from '../../limits.ts';
import type { SentMedia } from '../rtp/rtp-stream.ts';

/** Feedback older than so many packets is of no use any more. */
const REMEMBERED = 2 * LIMITS.rtpHistoryPackets;

interface Transmission {
  sent: SentMedia;
  transportSequence: number;
  sentUs: number;
}

/** A packet that came by its copy. */
export interface Repair {
  frame: number;
  /** From the original's departure to that of the copy that arrived. */
  lateUs: number;
}

export interface ArrivalNews {
  /** Keyframe packets that were lost and that no later copy replaces. */
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
    // A thousand packets a second: what is forgotten makes room.
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
    // The receiver's first report begins with the first packet it got: those before it are lost, and in no report.
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
