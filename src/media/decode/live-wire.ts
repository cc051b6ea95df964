/**
 * Messages between the service and the process that decodes a camera: a length, a type, numbers, bytes. The process is
 * trusted with nothing: what it says is bounded and checked here. Pure.
 */
export const REQUEST = { open: 1, unit: 2, want: 3 } as const;
export const REPLY = { ready: 1, decoded: 2, picture: 3, nothing: 4 } as const;

const HEAD_BYTES = 16;

/** `a`, `b`, `c`: what a type says they are. */
export interface Message {
  type: number;
  a: number;
  b: number;
  c: number;
  data: Uint8Array;
}

/** Length of the data, type, and three numbers of 16, 32 and 32 bits; the data follows as it is. */
export function writeHead({ type, a, b, c, data }: Message): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(data.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(a, 6);
  head.writeUInt32LE(b, 8);
  head.writeUInt32LE(c, 12);
  return head;
}

/** Cuts a byte stream into messages. */
export class MessageReader {
  readonly #dataMaxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param dataMaxBytes a longer message ends the stream */
  constructor(dataMaxBytes: number) {
    this.#dataMaxBytes = dataMaxBytes;
  }

  /** @returns undefined when a message is longer than it may be */
  take(chunk: Buffer): Message[] | undefined {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: Message[] = [];
    while (this.#bytes >= HEAD_BYTES) {
      const head = this.#peek(HEAD_BYTES);
      const length = head.readUInt32LE(0);
      if (length > this.#dataMaxBytes) return undefined;
      if (this.#bytes < HEAD_BYTES + length) break;
      const whole = this.#peek(HEAD_BYTES + length);
      this.#drop(whole.length);
      const [type, a, b, c] = [head.readUInt16LE(4), head.readUInt16LE(6), head.readUInt32LE(8), head.readUInt32LE(12)];
      messages.push({ type, a, b, c, data: whole.subarray(HEAD_BYTES) });
    }
    return messages;
  }

  /** The first bytes as one buffer, joined once. */
  #peek(bytes: number): Buffer {
    if (this.#chunks[0]!.length < bytes) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!.subarray(0, bytes);
  }

  #drop(bytes: number): void {
    const rest = this.#chunks[0]!.subarray(bytes);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#bytes -= bytes;
  }
}
