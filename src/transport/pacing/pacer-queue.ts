/**
 * One priority of the pacer: packets in the order they came, and what they weigh together. Has no capacity of its own:
 * which packets it takes, and when all of them go, is the pacer's drop rule.
 */
import type { PacketKind } from '../../congestion/bandwidth-estimator.ts';

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

export class PacerQueue<Content> {
  #waiting: PacedPacket<Content>[] = [];
  /** When each of them came. */
  #enqueuedAtUs: number[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get first(): PacedPacket<Content> | undefined {
    return this.#waiting[0];
  }

  /** How long the first has waited; 0 when none does. */
  waitedUs(nowUs: number): number {
    return nowUs - (this.#enqueuedAtUs[0] ?? nowUs);
  }

  /** Different frames that packets wait of. */
  get frames(): number {
    return new Set(this.#waiting.map(({ frame }) => frame)).size;
  }

  push(packet: PacedPacket<Content>, nowUs: number): void {
    this.#waiting.push(packet);
    this.#enqueuedAtUs.push(nowUs);
    this.#bytes += packet.sizeBytes;
  }

  /** Takes the first one out. */
  shift(): void {
    this.#bytes -= this.#waiting.shift()?.sizeBytes ?? 0;
    this.#enqueuedAtUs.shift();
  }

  /** @returns what waited. */
  clear(): PacedPacket<Content>[] {
    const packets = this.#waiting;
    if (packets.length === 0) return packets;
    this.#waiting = [];
    this.#enqueuedAtUs = [];
    this.#bytes = 0;
    return packets;
  }
}
