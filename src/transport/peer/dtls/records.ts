/** The form of DTLS 1.2 records (RFC 6347 section 4.1) and of the handshake messages in them (section 4.2.2). Pure. */
import { ByteReader, uint } from './byte-reader.ts';

export const CONTENT = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
export const HANDSHAKE = {
  clientHello: 1,
  serverHello: 2,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;
/** Levels and descriptions of RFC 5246 section 7.2 that we send or act on. */
export const ALERT = {
  warning: 1,
  fatal: 2,
  closeNotify: 0,
  handshakeFailure: 40,
  badCertificate: 42,
  decodeError: 50,
  decryptError: 51,
  protocolVersion: 70,
} as const;

export const DTLS_1_2 = 0xfefd;
/** In the first record of a client that does not know yet which version the server speaks. */
const DTLS_1_0 = 0xfeff;
const MESSAGE_HEADER_BYTES = 12;

export interface DtlsRecord {
  type: number;
  /** 0 is plaintext, 1 is under the negotiated keys. */
  epoch: number;
  /** 48 bits; starts again in each epoch. */
  sequence: number;
  body: Buffer;
}

/** A whole handshake message or a part of one. */
export interface HandshakeFragment {
  type: number;
  /** Bytes of the whole message's body. */
  length: number;
  /** `message_seq`. */
  sequence: number;
  /** Where `body` belongs in the whole. */
  offset: number;
  body: Buffer;
}

/** The records of a datagram, up to the first that is malformed or of another version. */
export function readRecords(datagram: Buffer): DtlsRecord[] {
  const records: DtlsRecord[] = [];
  const reader = new ByteReader(datagram);
  while (reader.more) {
    const [type, version, epoch, sequence] = [reader.uint(1), reader.uint(2), reader.uint(2), reader.uint(6)];
    const body = reader.vector(2);
    const known = version === DTLS_1_2 || (version === DTLS_1_0 && epoch === 0);
    if (!known || !(reader.more || reader.whole)) break;
    records.push({ type, epoch, sequence, body });
  }
  return records;
}

export function writeRecord({ type, epoch, sequence, body }: DtlsRecord): Buffer {
  return Buffer.concat([uint(1, type), uint(2, DTLS_1_2, epoch), uint(6, sequence), uint(2, body.length), body]);
}

/** The handshake messages of a record, up to the first that is malformed. */
export function readFragments(record: Buffer): HandshakeFragment[] {
  const fragments: HandshakeFragment[] = [];
  const reader = new ByteReader(record);
  while (reader.more) {
    const [type, length, sequence, offset] = [reader.uint(1), reader.uint(3), reader.uint(2), reader.uint(3)];
    const body = reader.vector(3);
    if (!(reader.more || reader.whole) || offset + body.length > length) break;
    fragments.push({ type, length, sequence, offset, body });
  }
  return fragments;
}

/** A whole message with its header: what is sent, and what transcripts hold (RFC 6347 section 4.2.6). */
export function writeMessage(type: number, sequence: number, body: Buffer): Buffer {
  const length = uint(3, body.length);
  return Buffer.concat([uint(1, type), length, uint(2, sequence), uint(3, 0), length, body]);
}

/** The body of `writeMessage`. */
export function bodyOf(message: Buffer): Buffer {
  return message.subarray(MESSAGE_HEADER_BYTES);
}
