/**
 * One priority of the pacer: packets in order of arrival, and their total size. Has no capacity of its own: the pacer's
 * drop rule decides which packets it takes and when it is cleared.
 */
import type { PacketKind } from '../../congestion/bandwidth-estimator.ts';

export interface PacedPacket<Content> {
  kind: PacketKind;
  /** Estimated bytes on the wire. */
  sizeBytes: number;
  /** Frame number; all packets of a frame share it. */
  frame: number;
  /** For retransmissions: the packet belongs to a keyframe. */
  ofKeyframe?: boolean;
  content: Content;
}

export class PacerQueue<Content> {
  #waiting: PacedPacket<Content>[] = [];
  /** Arrival time of each. */
  #enqueuedAtUs: number[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get first(): PacedPacket<Content> | undefined {
    return this.#waiting[0];
  }

  /** How long the first packet has waited; 0 when the queue is empty. */
  waitedUs(nowUs: number): number {
    return nowUs - (this.#enqueuedAtUs[0] ?? nowUs);
  }

  /** Number of different frames with packets in the queue. */
  get frames(): number {
    return new Set(this.#waiting.map(({ frame }) => frame)).size;
  }

  push(packet: PacedPacket<Content>, nowUs: number): void {
    this.#waiting.push(packet);
    this.#enqueuedAtUs.push(nowUs);
    this.#bytes += packet.sizeBytes;
  }

  /** Removes the first packet. */
  shift(): void {
    this.#bytes -= this.#waiting.shift()?.sizeBytes ?? 0;
    this.#enqueuedAtUs.shift();
  }

  /** @returns the packets removed */
  clear(): PacedPacket<Content>[] {
    const packets = this.#waiting;
    if (packets.length === 0) return packets;
    this.#waiting = [];
    this.#enqueuedAtUs = [];
    this.#bytes = 0;
    return packets;
  }
}
