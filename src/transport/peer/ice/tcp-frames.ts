/** Datagrams in a stream of bytes, each behind its 16-bit length (RFC 4571): how ICE goes over TCP (RFC 6544). No I/O. */

/** The largest datagram a browser sends us is part of a DTLS flight, under 1,500 bytes, by UDP and TCP alike; more is no peer. */
export const FRAME_MAX_BYTES = 2_048;
const LENGTH_BYTES = 2;

export class TcpFrames {
  #pending: Buffer = Buffer.alloc(0);
  #broken = false;

  /** A length came that no peer sends: nothing after it can be read. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Bytes kept until the rest of their datagram comes; under `FRAME_MAX_BYTES` and a length. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  /** The datagrams that are whole with these bytes; the rest waits for more. */
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

/** What goes before a datagram of so many bytes. */
export function frameHead(bytes: number): Buffer {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt16BE(bytes);
  return length;
}
