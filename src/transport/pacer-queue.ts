/**
 * One priority of the pacer: packets in the order they came, and what they weigh together. Has no capacity of its own:
 * which packets it takes, and when all of them go, is the pacer's drop rule.
 */
import type { PacketKind } from '../congestion/bandwidth-estimator.ts';

export interface PacedPacket<Content> {
  kind: PacketKind;
  /** Estimate of its bytes on the wire. */
  sizeBytes: number;
  /** Counts frames; packets of one frame share it. */
  frame: number;
  /** Retransmissions: of a keyframe. */
  ofKeyframe?: boolean;
  content: Content;
}

interface Queued<Content> {
  packet: PacedPacket<Content>;
  enqueuedAtUs: number;
}

export class PacerQueue<Content> {
  #waiting: Queued<Content>[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get first(): Queued<Content> | undefined {
    return this.#waiting[0];
  }

  /** Different frames that packets wait of. */
  get frames(): number {
    return new Set(this.#waiting.map(({ packet }) => packet.frame)).size;
  }

  push(packet: PacedPacket<Content>, nowUs: number): void {
    this.#waiting.push({ packet, enqueuedAtUs: nowUs });
    this.#bytes += packet.sizeBytes;
  }

  /** Takes the first one out. */
  shift(): void {
    this.#bytes -= this.#waiting.shift()?.packet.sizeBytes ?? 0;
  }

  /** @returns what waited. */
  clear(): PacedPacket<Content>[] {
    const packets = this.#waiting.map(({ packet }) => packet);
    this.#waiting = [];
    this.#bytes = 0;
    return packets;
  }
}
