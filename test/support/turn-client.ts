/**
 * A TURN client (RFC 8656, and RFC 6062 for TCP allocations) that does what a hostile viewer would: allocates a relay and
 * asks it for permissions to peers of its choice.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { turnCredentials } from '../../signaling/ice-servers.ts';

const COOKIE = 0x2112a442;
const METHOD = { allocate: 0x003, createPermission: 0x008, sendIndication: 0x016 } as const;
const DATA_INDICATION = 0x0017;
const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  errorCode: 0x0009,
  peer: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  family: 0x0017,
  transport: 0x0019,
} as const;
const PROTOCOL = { udp: 17, tcp: 6 } as const;
const STALE_NONCE = 438;
/** A request is sent again so often until it is answered (RFC 8489, 6.2.1): UDP loses what a busy machine has no room for. */
const RESEND_MS = 500;
const ANSWER_TIMEOUT_MS = 60_000;

type Attributes = [type: number, value: Buffer][];
interface Answer {
  type: number;
  transactionId: string;
  attributes: Map<number, Buffer>;
  /** 0 when it succeeded. */
  error: number;
}

interface Wire {
  /** Loses nothing, so a request is sent once. */
  isReliable: boolean;
  send(message: Buffer): void;
  close(): void;
}

export class TurnClient implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #key: { username: string; credential: string };
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  readonly #received: ((data: Buffer) => void)[] = [];
  #realm: Buffer = Buffer.alloc(0);
  #nonce: Buffer = Buffer.alloc(0);

  private constructor(secret: string, open: (onMessage: (message: Buffer) => void) => Wire) {
    this.#key = turnCredentials(secret, 600, Date.now());
    this.#wire = open((message) => this.#take(message));
  }

  static overUdp(port: number, host: string, secret: string): TurnClient {
    return new TurnClient(secret, (onMessage) => {
      const socket = createSocket('udp4');
      socket.on('message', onMessage);
      return {
        isReliable: false,
        send: (message) => socket.send(message, port, host),
        close: () => void socket.close(),
      };
    });
  }

  /** One answer a segment is enough here: each is small and comes after its request. */
  static overTcp(port: number, host: string, secret: string): TurnClient {
    return new TurnClient(secret, (onMessage) => {
      const socket = connect(port, host)
        .on('data', onMessage)
        .on('error', () => {});
      return { isReliable: true, send: (message) => void socket.write(message), close: () => void socket.destroy() };
    });
  }

  /** @returns 0, or the error code of RFC 8656 section 19 */
  async allocate(relay: keyof typeof PROTOCOL, family: 4 | 6 = 4): Promise<number> {
    const attributes: Attributes = [[ATTRIBUTE.transport, Buffer.from([PROTOCOL[relay], 0, 0, 0])]];
    if (family === 6) attributes.push([ATTRIBUTE.family, Buffer.from([2, 0, 0, 0])]);
    await this.#ask(METHOD.allocate, attributes);
    return (await this.#ask(METHOD.allocate, attributes, true)).error;
  }

  /** @returns 0, or the error code: 403 where the relay will not speak to the peer */
  async permit(address: string): Promise<number> {
    const peer = (id: Buffer): Attributes => [[ATTRIBUTE.peer, xorAddress(address, 0, id)]];
    return (await this.#ask(METHOD.createPermission, peer, true)).error;
  }

  /** Sends through the relay, and resolves with what comes back. */
  async exchange(address: string, port: number, data: Buffer): Promise<Buffer> {
    const back = new Promise<Buffer>((resolve) => this.#received.push(resolve));
    const id = randomBytes(12);
    const attributes: Attributes = [
      [ATTRIBUTE.peer, xorAddress(address, port, id)],
      [ATTRIBUTE.data, data],
    ];
    this.#wire.send(message(METHOD.sendIndication, id, attributes));
    return back;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wire.close();
  }

  async #ask(type: number, attributes: Attributes | ((id: Buffer) => Attributes), signed = false): Promise<Answer> {
    const id = randomBytes(12);
    const given = typeof attributes === 'function' ? attributes(id) : attributes;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(id.toString('hex'), resolve);
    const timer = setTimeout(() => reject(new Error('the TURN server does not answer')), ANSWER_TIMEOUT_MS);
    const request = signed ? this.#signed(type, id, given) : message(type, id, given);
    const again = setInterval(() => this.#wire.send(request), this.#wire.isReliable ? ANSWER_TIMEOUT_MS : RESEND_MS);
    this.#wire.send(request);
    const answer = await promise.finally(() => {
      clearTimeout(timer);
      clearInterval(again);
    });
    this.#realm = answer.attributes.get(ATTRIBUTE.realm) ?? this.#realm;
    this.#nonce = answer.attributes.get(ATTRIBUTE.nonce) ?? this.#nonce;
    return answer.error === STALE_NONCE ? this.#ask(type, attributes, signed) : answer;
  }

  #signed(type: number, id: Buffer, attributes: Attributes): Buffer {
    const { username, credential } = this.#key;
    const all: Attributes = [
      ...attributes,
      [ATTRIBUTE.username, Buffer.from(username)],
      [ATTRIBUTE.realm, this.#realm],
      [ATTRIBUTE.nonce, this.#nonce],
    ];
    const key = createHash('md5').update(`${username}:${this.#realm.toString()}:${credential}`).digest();
    // The length counts the attribute that the digest goes into (RFC 8489, 14.5).
    const body = message(type, id, all, 24);
    return Buffer.concat([body, attribute(ATTRIBUTE.integrity, createHmac('sha1', key).update(body).digest())]);
  }

  #take(bytes: Buffer): void {
    const answer = parse(bytes);
    if (answer.type === DATA_INDICATION)
      this.#received.shift()?.(answer.attributes.get(ATTRIBUTE.data) ?? Buffer.alloc(0));
    this.#waiting.get(answer.transactionId)?.(answer);
  }
}

function attribute(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

function message(type: number, id: Buffer, attributes: Attributes, moreBytes = 0): Buffer {
  const body = Buffer.concat(attributes.map(([kind, value]) => attribute(kind, value)));
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(body.length + moreBytes, 2);
  head.writeUInt32BE(COOKIE, 4);
  return Buffer.concat([head, id, body]);
}

/** RFC 8489, 14.2. */
function xorAddress(address: string, port: number, id: Buffer): Buffer {
  const bytes = isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split('.').map(Number));
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(COOKIE, 0);
  id.copy(mask, 4);
  const head = Buffer.from([0, bytes.length === 4 ? 1 : 2, 0, 0]);
  head.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  return Buffer.concat([head, bytes.map((byte, index) => byte ^ (mask[index] ?? 0))]);
}

function ipv6Bytes(address: string): Buffer {
  const dotted = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail = ''] = dotted.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function parse(bytes: Buffer): Answer {
  const attributes = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    attributes.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  const code = attributes.get(ATTRIBUTE.errorCode);
  const error = code ? (code[2] ?? 0) * 100 + (code[3] ?? 0) : 0;
  return { type: bytes.readUInt16BE(0), transactionId: bytes.subarray(8, 20).toString('hex'), attributes, error };
}
