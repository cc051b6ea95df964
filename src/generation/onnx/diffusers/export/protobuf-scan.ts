/**
 * Reads chosen fields of a protobuf file and skips the rest: model weights are gigabytes, and the wanted fields are a
 * few hundred bytes at the end. Wire format: protobuf.dev/programming-guides/encoding.
 */
import type { FileHandle } from 'node:fs/promises';

/** Bytes read at once; most fields of a graph are smaller. */
const WINDOW_BYTES = 1 << 16;

/** A range of the file: a whole message, or a string. */
export interface Span {
  start: number;
  end: number;
}

export interface Field {
  number: number;
  /** Value of a whole number; 0 for other kinds. */
  value: number;
  /** Contents of a length-delimited field; else empty. */
  span: Span;
}

export class ProtobufScan {
  readonly #file: FileHandle;
  readonly #sizeBytes: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  get whole(): Span {
    return { start: 0, end: this.#sizeBytes };
  }

  /** The fields of the message in `span`, in file order. @throws RangeError when it is no protobuf message */
  async *fields({ start, end }: Span): AsyncGenerator<Field, void, undefined> {
    let at = start;
    while (at < end) {
      const tag = await this.#varint(at);
      const number = Math.floor(tag.value / 8);
      const wire = tag.value % 8;
      at = tag.end;
      if (number === 0) throw new RangeError('field number 0');
      if (wire === 0) {
        const { value, end: after } = await this.#varint(at);
        at = after;
        yield { number, value, span: { start: at, end: at } };
      } else if (wire === 2) {
        const { value: length, end: from } = await this.#varint(at);
        at = from + length;
        if (at > end) throw new RangeError('a field reaches beyond its message');
        yield { number, value: 0, span: { start: from, end: at } };
      } else if (wire === 1 || wire === 5) {
        at += wire === 1 ? 8 : 4;
      } else throw new RangeError(`wire type ${wire}`);
    }
  }

  /** @param maxBytes the most a name may reasonably have */
  async text({ start, end }: Span, maxBytes = 4096): Promise<string> {
    if (end - start > maxBytes) throw new RangeError('a name is too long');
    if (!this.#holds(start, end)) await this.#load(start);
    return new TextDecoder().decode(this.#window.subarray(start - this.#windowStart, end - this.#windowStart));
  }

  /** Whole numbers below 2^53. Larger ones lose their low bits; negative ones come out large. */
  async #varint(at: number): Promise<{ value: number; end: number }> {
    let value = 0;
    for (let place = 0; place < 10; place++) {
      const byte = await this.#byte(at + place);
      value += (byte & 127) * 2 ** (7 * place);
      if (byte < 128) return { value, end: at + place + 1 };
    }
    throw new RangeError('a number without an end');
  }

  async #byte(at: number): Promise<number> {
    if (!this.#holds(at, at + 1)) await this.#load(at);
    const byte = this.#window[at - this.#windowStart];
    if (byte === undefined) throw new RangeError('the file ends early');
    return byte;
  }

  #holds(start: number, end: number): boolean {
    return start >= this.#windowStart && end <= this.#windowStart + this.#window.length;
  }

  async #load(at: number): Promise<void> {
    const buffer = new Uint8Array(Math.max(0, Math.min(WINDOW_BYTES, this.#sizeBytes - at)));
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
    this.#window = buffer.subarray(0, bytesRead);
    this.#windowStart = at;
  }
}
