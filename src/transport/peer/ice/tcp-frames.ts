/** Splits a byte stream into datagrams with 16-bit lengths (RFC 4571), for ICE over TCP (RFC 6544). No I/O. */

/** The largest datagram of a browser is part of a DTLS flight, under 1,500 bytes on UDP and TCP. */
export const FRAME_MAX_BYTES = 2_048;
const LENGTH_BYTES = 2;

export class TcpFrames {
  #pending: Buffer = Buffer.alloc(0);
  #broken = false;

  /** A length was too large; nothing after it can be read. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Bytes kept until their datagram is complete; less than `FRAME_MAX_BYTES` and a length. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  /** The datagrams that these bytes complete; keeps the rest. */
  take(bytes: Buffer): Buffer[] {
    if (this.#broken) return [];
    const stream = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const datagrams: Buffer[] = [];
    let offset = 0;
    while (stream.length - offset >= LENGTH_BYTES) {
      const length = stream.readUInt16BE(offset);
      if (length > FRAME_MAX_BYTES) {
        this.#broken = true;
        break;
      }
      if (stream.length - offset < LENGTH_BYTES + length) break;
      offset += LENGTH_BYTES;
      datagrams.push(stream.subarray(offset, offset + length));
      offset += length;
    }
    this.#pending = this.#broken ? Buffer.alloc(0) : stream.subarray(offset);
    return datagrams;
  }
}

/** The length prefix of a datagram. */
export function frameHead(bytes: number): Buffer {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt16BE(bytes);
  return length;
}
