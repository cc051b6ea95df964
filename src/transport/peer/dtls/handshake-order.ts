/**
 * Reassembles DTLS handshake fragments and delivers whole messages in `message_seq` order (RFC 6347 section 4.2.2),
 * despite loss and reordering. werift fills a lost fragment with zeros and polls for reordered messages.
 */
import type { HandshakeMessage } from './werift-dtls.ts';

/** Largest message reassembled: enough for a client certificate chain. */
const MESSAGE_MAX_BYTES = 16 * 1024;
/** Fragments of one message: the largest message in the smallest fragments that senders use, each twice. */
const FRAGMENTS_MAX = 64;
/** How far ahead of its turn a message may arrive: the client's whole last flight. */
const AHEAD_MAX = 6;

interface Partial {
  first: HandshakeMessage;
  bytes: Buffer;
  /** Byte ranges received so far, [start, end). */
  ranges: [start: number, end: number][];
}

export class HandshakeOrder {
  #next = 0;
  readonly #partials = new Map<number, Partial>();

  /** Takes one fragment; returns the whole messages that are next in order. Repeats return nothing. */
  accept(fragment: HandshakeMessage): HandshakeMessage[] {
    const { message_seq: sequence, length, fragment_offset: offset, fragment_length: size } = fragment;
    if (sequence < this.#next || sequence > this.#next + AHEAD_MAX) return [];
    if (length > MESSAGE_MAX_BYTES || offset + size > length || fragment.fragment.length !== size) return [];
    const partial = this.#partials.get(sequence) ?? { first: fragment, bytes: Buffer.alloc(length), ranges: [] };
    if (partial.bytes.length !== length || partial.first.msg_type !== fragment.msg_type) return [];
    if (partial.ranges.length >= FRAGMENTS_MAX) return [];
    fragment.fragment.copy(partial.bytes, offset);
    partial.ranges.push([offset, offset + size]);
    this.#partials.set(sequence, partial);
    return this.#ready();
  }

  #ready(): HandshakeMessage[] {
    const messages: HandshakeMessage[] = [];
    for (;;) {
      const partial = this.#partials.get(this.#next);
      if (partial === undefined || !isWhole(partial)) return messages;
      this.#partials.delete(this.#next);
      this.#next += 1;
      messages.push(wholeMessage(partial));
    }
  }
}

function isWhole({ ranges, bytes }: Partial): boolean {
  let end = 0;
  for (const [start, stop] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (start > end) return false;
    end = Math.max(end, stop);
  }
  return end === bytes.length;
}

function wholeMessage({ first, bytes }: Partial): HandshakeMessage {
  const message = Object.create(Object.getPrototypeOf(first) as object) as HandshakeMessage;
  return Object.assign(message, first, { fragment: bytes, fragment_offset: 0, fragment_length: bytes.length });
}
