/**
 * Packets of one stream put back in order. A cursor names the next number; what is ahead of it waits, bounded in packets
 * and bytes. Numbers are unwrapped. Pure.
 */
export interface HeldPacket {
  rtpTimestamp: number;
  marker: boolean;
  payload: Uint8Array;
  /** An access unit that needs no earlier one begins here. */
  startsKeyframe: boolean;
}

export interface ReorderLimits {
  packets: number;
  bytes: number;
}

export class ReorderBuffer {
  readonly #limits: ReorderLimits;
  readonly #held = new Map<number, HeldPacket>();
  #bytes = 0;
  #cursor: number | undefined;
  #highest = -Infinity;

  constructor(limits: ReorderLimits) {
    this.#limits = limits;
  }

  /** The next number to take; undefined before the first packet. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** Packets wait behind a number that has not come. */
  get blocked(): boolean {
    return this.#cursor !== undefined && this.#held.size > 0 && !this.#held.has(this.#cursor);
  }

  /** @returns false for a packet that came before, is behind the cursor, or does not fit */
  insert(sequence: number, packet: HeldPacket): boolean {
    this.#cursor ??= sequence;
    if (sequence < this.#cursor || this.#held.has(sequence)) return false;
    const { packets, bytes } = this.#limits;
    if (sequence - this.#cursor >= packets || this.#bytes + packet.payload.length > bytes) return false;
    this.#held.set(sequence, packet);
    this.#bytes += packet.payload.length;
    this.#highest = Math.max(this.#highest, sequence);
    return true;
  }

  /** The packet at the cursor, which moves on; undefined when it has not come. */
  take(): HeldPacket | undefined {
    const packet = this.#cursor === undefined ? undefined : this.#held.get(this.#cursor);
    if (packet === undefined) return undefined;
    this.#remove(this.#cursor!, packet);
    this.#cursor! += 1;
    return packet;
  }

  /** The lowest number held that begins a keyframe; undefined for none. */
  findKeyframe(): number | undefined {
    for (const [sequence] of this.#inOrder()) if (this.#held.get(sequence)!.startsKeyframe) return sequence;
    return undefined;
  }

  /** Moves the cursor to `sequence` and drops what is behind it. */
  skipTo(sequence: number): void {
    for (const [held, packet] of this.#held) if (held < sequence) this.#remove(held, packet);
    this.#cursor = sequence;
  }

  /** Drops all but the newest packets: the start of a keyframe may still come from among them. */
  keepNewest(packets: number): void {
    if (this.#held.size > 0) this.skipTo(Math.max(this.#cursor ?? 0, this.#highest - packets + 1));
  }

  #inOrder(): [number, HeldPacket][] {
    return [...this.#held].toSorted(([a], [b]) => a - b);
  }

  #remove(sequence: number, packet: HeldPacket): void {
    this.#held.delete(sequence);
    this.#bytes -= packet.payload.length;
  }
}
