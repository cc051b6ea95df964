/**
 * Reassembles handshake messages from fragments (RFC 6347 section 4.2.3) and delivers each whole, once and in order,
 * whatever the network lost, repeated or reordered. The other side's messages are known beforehand, so a slot per
 * message says its type, its epoch and its largest size. What fits no slot is refused before memory is taken. Pure.
 */
import { writeMessage, type HandshakeFragment } from './records.ts';

/** One message that is expected; its index is its `message_seq`. */
export interface MessageSlot {
  type: number;
  epoch: 0 | 1;
  maxBytes: number;
}

/** Ranges of one message with gaps between: an honest sender's lost fragments make a few. */
const RANGES_MAX = 64;

interface Partial {
  body: Buffer;
  /** Byte ranges received so far, [start, end), apart and in order. */
  ranges: [start: number, end: number][];
}

export class MessageAssembler {
  readonly #slots: readonly MessageSlot[];
  readonly #partials = new Map<number, Partial>();
  #next = 0;

  constructor(slots: readonly MessageSlot[]) {
    this.#slots = slots;
  }

  /** `message_seq` of the next message. */
  get next(): number {
    return this.#next;
  }

  /**
   * Takes one fragment.
   * @returns the messages that are now whole and next, each with its header as if it had come in one piece
   */
  take({ type, length, sequence, offset, body }: HandshakeFragment, epoch: number): Buffer[] {
    const slot = this.#slots[sequence];
    if (slot === undefined || sequence < this.#next || slot.type !== type || slot.epoch !== epoch) return [];
    if (length > slot.maxBytes) return [];
    const partial = this.#partials.get(sequence) ?? { body: Buffer.alloc(length), ranges: [] };
    if (partial.body.length !== length) return [];
    const ranges = withRange(partial.ranges, offset, offset + body.length);
    if (ranges.length > RANGES_MAX) return [];
    partial.ranges = ranges;
    body.copy(partial.body, offset);
    this.#partials.set(sequence, partial);
    return this.#takeWhole();
  }

  #takeWhole(): Buffer[] {
    const messages: Buffer[] = [];
    for (;;) {
      const partial = this.#partials.get(this.#next);
      if (partial === undefined || !isWhole(partial)) return messages;
      this.#partials.delete(this.#next);
      messages.push(writeMessage(this.#slots[this.#next]!.type, this.#next, partial.body));
      this.#next += 1;
    }
  }
}

/** A message without a body is whole with its first fragment. */
function isWhole({ ranges, body }: Partial): boolean {
  return ranges.length === 1 && ranges[0]![0] === 0 && ranges[0]![1] === body.length;
}

/** `ranges` and [start, end), with those that touch made one. */
function withRange(ranges: Partial['ranges'], start: number, end: number): Partial['ranges'] {
  const apart = ranges.filter(([from, to]) => to < start || from > end);
  const touching = ranges.filter(([from, to]) => to >= start && from <= end);
  const joined: [number, number] = [
    Math.min(start, ...touching.map(([from]) => from)),
    Math.max(end, ...touching.map(([, to]) => to)),
  ];
  return [...apart, joined].toSorted((a, b) => a[0] - b[0]);
}
