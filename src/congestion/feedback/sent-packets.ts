/**
 * Packets in flight, from sending until feedback reports them. Ignores feedback about packets never sent or already
 * reported, because the numbers come from the receiver. Bounded by count.
 */
import type { PacketResult, SentPacket } from '../bandwidth-estimator.ts';

/**
 * Maximum of packets in flight. A minute of silence at the highest rate exceeds it; dropped entries count as neither
 * received nor lost.
 */
export const IN_FLIGHT_MAX = 4_096;
/** Records kept for reuse: the packets of two feedback messages at common rates. */
const FREE_MAX = 64;

export interface PacketReport extends SentPacket {
  /** Arrival on the receiver's clock; undefined: reported as lost. */
  arrivedAtUs: number | undefined;
}

type ReceivedPacket = PacketReport & { arrivedAtUs: number };

/** The received packets in order of arrival, which reports nearly always have already. */
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
  /** In order of sending. A packet reported lost stays, marked, because a later report may contain it as received. */
  readonly #inFlight = new Map<number, PacketInFlight>();
  /** Packets that the last `match` reported as received; later packets reuse them. */
  #told: PacketInFlight[] = [];
  readonly #free: PacketInFlight[] = [];
  #lastSequence = -1;

  add(packet: SentPacket): void {
    // Numbers that start again belong to a new transport; the packets of the old one are gone.
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

  /** The new results, in order. They are valid until the next packet is added. */
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
