/**
 * Reads big-endian fields of a hostile message. A read beyond the end gives zeros or an empty vector and is remembered:
 * the caller checks `whole` once, when it has read everything. So no input throws. Pure.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;
  #missing = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes are left to read. */
  get more(): boolean {
    return !this.#missing && this.#at < this.#bytes.length;
  }

  /** Every field was there, and nothing follows. */
  get whole(): boolean {
    return !this.#missing && this.#at === this.#bytes.length;
  }

  /** An unsigned number of 1 to 6 bytes. */
  uint(bytes: number): number {
    const field = this.bytes(bytes);
    return field.length === 0 ? 0 : field.readUIntBE(0, bytes);
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Buffer {
    const start = this.#at;
    if (start + count > this.#bytes.length) {
      this.#missing = true;
      return Buffer.alloc(0);
    }
    this.#at = start + count;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A vector (RFC 5246 section 4.3) behind a length of `lengthBytes`. */
  vector(lengthBytes: number): Buffer {
    return this.bytes(this.uint(lengthBytes));
  }

  /** A vector of numbers of `itemBytes` each. */
  uints(lengthBytes: number, itemBytes: number): number[] {
    const items = this.vector(lengthBytes);
    if (items.length % itemBytes !== 0) this.#missing = true;
    return Array.from({ length: Math.floor(items.length / itemBytes) }, (_, i) =>
      items.readUIntBE(i * itemBytes, itemBytes),
    );
  }
}

/** Writes what `ByteReader.vector` reads. */
export function vector(lengthBytes: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([uint(lengthBytes, body.length), body]);
}

export function uint(bytes: number, ...values: readonly number[]): Buffer {
  const out = Buffer.alloc(bytes * values.length);
  for (const [i, value] of values.entries()) out.writeUIntBE(value, i * bytes, bytes);
  return out;
}
