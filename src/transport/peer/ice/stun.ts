/**
 * The STUN messages (RFC 8489) that an ICE-lite agent which checks addresses needs: binding requests and success
 * responses, both ways. Pure.
 * Attributes after MESSAGE-INTEGRITY are never read (section 14.5), so no unauthenticated attribute can nominate.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { crc32 } from 'node:zlib';

const HEADER_BYTES = 20;
const MAGIC_COOKIE = 0x2112_a442;
const INTEGRITY_BYTES = 20;
const FINGERPRINT_XOR = 0x5354_554e;

export const STUN_TYPE = { bindingRequest: 0x0001, bindingSuccess: 0x0101, bindingError: 0x0111 } as const;

const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
} as const;

/** A TCP connection that carries datagrams; see `tcp-listener.ts`. */
export interface DatagramStream {
  /** False when the datagram was dropped. */
  send(datagram: Buffer): boolean;
  /** Records that an authenticated check arrived on it. */
  prove(): void;
}

export interface RemoteAddress {
  address: string;
  port: number;
  /** Set for the remote end of a TCP connection. */
  stream?: DatagramStream;
}

/** An address as a key, UDP and TCP apart. */
export function addressKey({ address, port, stream }: RemoteAddress): string {
  return `${stream ? 'tcp ' : ''}${address}:${port}`;
}

export interface BindingSuccess {
  transactionId: Buffer;
  /** Where MESSAGE-INTEGRITY starts; undefined when the message carries none. */
  integrityOffset: number | undefined;
}

export interface BindingRequest extends BindingSuccess {
  sizeBytes: number;
  /** USERNAME is `localUfrag:remoteUfrag` as seen by the receiver (RFC 8445 section 7.2.2). */
  localUfrag: string;
  remoteUfrag: string;
  useCandidate: boolean;
  /** The sender claims the controlled role: a role conflict for an agent that is always controlled. */
  controlled: boolean;
}

/** True when the datagram is framed as a STUN message; does not authenticate the sender. */
export function isStun(datagram: Buffer): boolean {
  return (
    datagram.length >= HEADER_BYTES &&
    datagram[0]! < 4 &&
    datagram.readUInt32BE(4) === MAGIC_COOKIE &&
    datagram.readUInt16BE(2) === datagram.length - HEADER_BYTES
  );
}

/** Reads a binding request; undefined for every other or malformed message. */
export function readBindingRequest(datagram: Buffer): BindingRequest | undefined {
  if (!isStun(datagram) || datagram.readUInt16BE(0) !== STUN_TYPE.bindingRequest) return undefined;
  const request: BindingRequest = {
    transactionId: Buffer.from(datagram.subarray(8, HEADER_BYTES)),
    sizeBytes: datagram.length,
    localUfrag: '',
    remoteUfrag: '',
    useCandidate: false,
    controlled: false,
    integrityOffset: undefined,
  };
  for (const { type, value, at } of attributesOf(datagram)) {
    if (type === ATTRIBUTE.messageIntegrity) request.integrityOffset = at;
    else if (type === ATTRIBUTE.username) {
      const [local, remote] = value.toString('utf8').split(':', 2);
      request.localUfrag = local ?? '';
      request.remoteUfrag = remote ?? '';
    } else if (type === ATTRIBUTE.useCandidate) request.useCandidate = true;
    else if (type === ATTRIBUTE.iceControlled) request.controlled = true;
    else if (type === undefined) return undefined;
  }
  return request;
}

/** Reads a binding success response; undefined for every other or malformed message. */
export function readBindingSuccess(datagram: Buffer): BindingSuccess | undefined {
  if (!isStun(datagram) || datagram.readUInt16BE(0) !== STUN_TYPE.bindingSuccess) return undefined;
  const transactionId = Buffer.from(datagram.subarray(8, HEADER_BYTES));
  let integrityOffset: number | undefined;
  for (const { type, at } of attributesOf(datagram)) {
    if (type === ATTRIBUTE.messageIntegrity) integrityOffset = at;
    else if (type === undefined) return undefined;
  }
  return { transactionId, integrityOffset };
}

/** Attributes up to MESSAGE-INTEGRITY; one without a type means that the message is malformed. */
function* attributesOf(datagram: Buffer): Generator<{ type: number | undefined; value: Buffer; at: number }> {
  for (let at = HEADER_BYTES; at + 4 <= datagram.length;) {
    const type = datagram.readUInt16BE(at);
    const length = datagram.readUInt16BE(at + 2);
    const value = datagram.subarray(at + 4, at + 4 + length);
    const integrity = type === ATTRIBUTE.messageIntegrity;
    const whole = value.length === length && (!integrity || length === INTEGRITY_BYTES);
    yield { type: whole ? type : undefined, value, at };
    if (integrity || !whole) return;
    at += 4 + padded(length);
  }
}

/** Checks MESSAGE-INTEGRITY (HMAC-SHA1 with the short-term password) of a message that was just read. */
export function hasIntegrity(datagram: Buffer, message: BindingSuccess, password: string): boolean {
  const at = message.integrityOffset;
  if (at === undefined) return false;
  const covered = Buffer.from(datagram.subarray(0, at));
  covered.writeUInt16BE(at + 4 + INTEGRITY_BYTES - HEADER_BYTES, 2);
  const expected = createHmac('sha1', password).update(covered).digest();
  return timingSafeEqual(expected, datagram.subarray(at + 4, at + 4 + INTEGRITY_BYTES));
}

/** Binding success: tells the sender which address its request came from. */
export function writeBindingSuccess(transactionId: Buffer, from: RemoteAddress, password: string): Buffer {
  const mapped = xorMappedAddress(transactionId, from);
  return seal(STUN_TYPE.bindingSuccess, transactionId, [attribute(ATTRIBUTE.xorMappedAddress, mapped)], password);
}

/** 487 Role Conflict (RFC 8445 section 7.3.1.1): the sender must take the controlling role. */
export function writeRoleConflict(transactionId: Buffer, password: string): Buffer {
  const value = Buffer.concat([Buffer.from([0, 0, 4, 87]), Buffer.from('Role Conflict')]);
  return seal(STUN_TYPE.bindingError, transactionId, [attribute(ATTRIBUTE.errorCode, value)], password);
}

export interface BindingRequestFields {
  transactionId: Buffer;
  username: string;
  /** The receiver's password. */
  password: string;
  useCandidate: boolean;
  /** Sent by a controlled agent; default: a controlling one, as in the boot self-test and in tests. */
  controlled?: boolean;
}

/** A connectivity check (RFC 8445 section 7.1.1). */
export function writeBindingRequest(fields: BindingRequestFields): Buffer {
  const { transactionId, username, password, useCandidate, controlled = false } = fields;
  const attributes = [
    attribute(ATTRIBUTE.username, Buffer.from(username)),
    attribute(ATTRIBUTE.priority, Buffer.from([0x6e, 0, 1, 0xff])),
    attribute(controlled ? ATTRIBUTE.iceControlled : ATTRIBUTE.iceControlling, Buffer.alloc(8, 1)),
  ];
  if (useCandidate) attributes.push(attribute(ATTRIBUTE.useCandidate, Buffer.alloc(0)));
  return seal(STUN_TYPE.bindingRequest, transactionId, attributes, password);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function attribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc(4 + padded(value.length));
  out.writeUInt16BE(type, 0);
  out.writeUInt16BE(value.length, 2);
  value.copy(out, 4);
  return out;
}

/** Adds header, MESSAGE-INTEGRITY and FINGERPRINT; each covers a length field that already counts itself. */
function seal(type: number, transactionId: Buffer, attributes: readonly Buffer[], password: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(type, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  transactionId.copy(header, 8);
  let message = Buffer.concat([header, ...attributes]);
  message.writeUInt16BE(message.length - HEADER_BYTES + 4 + INTEGRITY_BYTES, 2);
  const integrity = createHmac('sha1', password).update(message).digest();
  message = Buffer.concat([message, attribute(ATTRIBUTE.messageIntegrity, integrity)]);
  message.writeUInt16BE(message.length - HEADER_BYTES + 8, 2);
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE((crc32(message) ^ FINGERPRINT_XOR) >>> 0);
  return Buffer.concat([message, attribute(ATTRIBUTE.fingerprint, fingerprint)]);
}

function xorMappedAddress(transactionId: Buffer, { address, port }: RemoteAddress): Buffer {
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(MAGIC_COOKIE, 0);
  transactionId.copy(mask, 4);
  const bytes = isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split('.').map(Number));
  const out = Buffer.alloc(4 + bytes.length);
  out[1] = bytes.length === 4 ? 1 : 2;
  out.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  bytes.forEach((byte, index) => {
    out[4 + index] = byte ^ mask[index]!;
  });
  return out;
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const left = ipv6Groups(head);
  const right = tail === undefined ? [] : ipv6Groups(tail);
  const middle = Array.from({ length: 8 - left.length - right.length }, () => 0);
  const out = Buffer.alloc(16);
  [...left, ...middle, ...right].forEach((group, index) => out.writeUInt16BE(group, index * 2));
  return out;
}

function ipv6Groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
}
