/**
 * Packets in flight, from sending until feedback speaks of them. Feedback about packets never sent, or spoken of
 * before, is ignored: numbers on the wire are the receiver's word, not ours. Bounded by count and age.
 */
import type { PacketResult, SentPacket } from '../bandwidth-estimator.ts';

/**
 * Packets in flight at most. A minute of silence at the highest rate would not fit; what is forgotten counts as neither
 * received nor lost.
 */
export const IN_FLIGHT_MAX = 4_096;
/** Records kept for the packets to come: what two feedbacks tell of at the rates that matter. */
const FREE_MAX = 64;

export interface PacketReport extends SentPacket {
  /** Receiver's clock; undefined: lost as far as the receiver knows. */
  arrivedAtUs: number | undefined;
}

type ReceivedPacket = PacketReport & { arrivedAtUs: number };

/** Those that arrived, first come first, as they nearly always are in the reports. */
export function inOrderOfArrival(reports: readonly PacketReport[]): ReceivedPacket[] {
  const received: ReceivedPacket[] = [];
  let inOrder = true;
  for (const report of reports) {
    if (!isReceived(report)) continue;
    inOrder &&= received.length === 0 || arrivedLater(received[received.length - 1]!, report) < 0;
    received.push(report);
  }
  return inOrder ? received : received.toSorted(arrivedLater);
}

const arrivedLater = (a: ReceivedPacket, b: ReceivedPacket): number =>
  a.arrivedAtUs - b.arrivedAtUs || a.sequence - b.sequence;

const isReceived = (report: PacketReport): report is ReceivedPacket => report.arrivedAtUs !== undefined;

interface PacketInFlight extends PacketReport {
  reportedLost: boolean;
}

export class SentPackets {
  /** In order of sending. A packet reported lost stays, marked, because it may still be reported as received. */
  readonly #inFlight = new Map<number, PacketInFlight>();
  /** Told as received by the last `match`; they carry the next packets. */
  #told: PacketInFlight[] = [];
  readonly #free: PacketInFlight[] = [];
  #lastSequence = -1;

  add(packet: SentPacket): void {
    // Numbers that start again belong to a new transport; what was in flight on the old one is gone.
    if (packet.sequence <= this.#lastSequence) this.#inFlight.clear();
    this.#lastSequence = packet.sequence;
    const { sequence, sizeBytes, sentAtUs, kind, probeId } = packet;
    const free = this.#free.pop();
    if (free) {
      free.sequence = sequence;
      free.sizeBytes = sizeBytes;
      free.sentAtUs = sentAtUs;
      free.kind = kind;
      free.probeId = probeId;
      free.arrivedAtUs = undefined;
      free.reportedLost = false;
    }
    this.#inFlight.set(
      sequence,
      free ?? { sequence, sizeBytes, sentAtUs, kind, probeId, arrivedAtUs: undefined, reportedLost: false },
    );
    if (this.#inFlight.size > IN_FLIGHT_MAX) {
      for (const oldest of this.#inFlight.keys()) {
        this.#inFlight.delete(oldest);
        break;
      }
    }
  }

  /** What the results tell for the first time, in their order. They hold until the next packet is added. */
  match(results: readonly PacketResult[]): PacketReport[] {
    const reports: PacketReport[] = [];
    for (const packet of this.#told) if (this.#free.length < FREE_MAX) this.#free.push(packet);
    this.#told = [];
    for (const { sequence, arrivedAtUs } of results) {
      const packet = this.#inFlight.get(sequence);
      if (!packet) continue;
      if (arrivedAtUs !== undefined) {
        this.#inFlight.delete(sequence);
        this.#told.push(packet);
      } else if (packet.reportedLost) continue;
      packet.reportedLost = true;
      packet.arrivedAtUs = arrivedAtUs;
      reports.push(packet);
    }
    return reports;
  }
}
