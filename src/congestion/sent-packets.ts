/**
 * Packets in flight, from sending until feedback speaks of them. Feedback about packets never sent, or spoken of
 * before, is ignored: numbers on the wire are the receiver's word, not ours. Bounded by count and age.
 */
import type { PacketResult, SentPacket } from './bandwidth-estimator.ts';

/** A minute of silence at the highest rate would not fit; what is forgotten counts as neither received nor lost. */
const PACKETS_MAX = 4_096;

export interface PacketReport extends SentPacket {
  /** Receiver's clock; undefined: lost as far as the receiver knows. */
  arrivedAtUs: number | undefined;
}

export class SentPackets {
  /** In order of sending. A packet reported lost stays, marked, because it may still be reported as received. */
  readonly #inFlight = new Map<number, SentPacket & { reportedLost: boolean }>();
  #lastSequence = -1;

  add(packet: SentPacket): void {
    // Numbers that start again belong to a new transport; what was in flight on the old one is gone.
    if (packet.sequence <= this.#lastSequence) this.#inFlight.clear();
    this.#lastSequence = packet.sequence;
    this.#inFlight.set(packet.sequence, { ...packet, reportedLost: false });
    if (this.#inFlight.size > PACKETS_MAX) {
      for (const oldest of this.#inFlight.keys()) {
        this.#inFlight.delete(oldest);
        break;
      }
    }
  }

  /** What the results tell for the first time, in their order. */
  match(results: readonly PacketResult[]): PacketReport[] {
    const reports: PacketReport[] = [];
    for (const { sequence, arrivedAtUs } of results) {
      const packet = this.#inFlight.get(sequence);
      if (!packet) continue;
      if (arrivedAtUs !== undefined) this.#inFlight.delete(sequence);
      else if (packet.reportedLost) continue;
      packet.reportedLost = true;
      reports.push({ ...packet, arrivedAtUs });
    }
    return reports;
  }
}
