/**
 * Numbers, protects and opens records. Every record gets a number of its own, repeats of a flight too, because the
 * number is the nonce of AES-GCM (RFC 5288 section 3). Incoming numbers count once (RFC 6347 section 4.1.2.6).
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { ReplayWindow } from '../srtp/replay-window.ts';
import { uint } from './byte-reader.ts';
import type { DirectionKeys } from './key-schedule.ts';
import { CONTENT, DTLS_1_2, writeRecord, type DtlsRecord } from './records.ts';

/** Replay window, records; RFC 6347 requires at least 32 and recommends 64. */
const WINDOW_RECORDS = 128;
const EXPLICIT_NONCE_BYTES = 8;
const TAG_BYTES = 16;

interface Direction {
  key: KeyObject;
  /** The implicit part of the nonce. */
  salt: Buffer;
}

export class RecordLayer {
  readonly #nextSequence: [number, number] = [0, 0];
  readonly #replays = new ReplayWindow(WINDOW_RECORDS);
  #local: Direction | undefined;
  #remote: Direction | undefined;

  /** Begins epoch 1 in both directions. */
  setKeys(local: DirectionKeys, remote: DirectionKeys): void {
    this.#local = { key: createSecretKey(local.key), salt: local.salt };
    this.#remote = { key: createSecretKey(remote.key), salt: remote.salt };
  }

  /** One record for the wire; `body` is at most what fits a datagram. */
  write(type: number, epoch: 0 | 1, body: Buffer): Buffer {
    const plain = { type, epoch, sequence: this.#nextSequence[epoch]++, body };
    if (epoch === 0) return writeRecord(plain);
    const { key, salt } = this.#local!;
    const explicit = explicitNonce(plain);
    const cipher = createCipheriv('aes-128-gcm', key, Buffer.concat([salt, explicit]));
    cipher.setAAD(additionalData(plain, body.length));
    const sealed = [explicit, cipher.update(body), cipher.final(), cipher.getAuthTag()];
    return writeRecord({ ...plain, body: Buffer.concat(sealed) });
  }

  /** The plaintext of a record of epoch 1; undefined when it is forged, a repeat, or came before the keys. */
  open(record: DtlsRecord): Buffer | undefined {
    const { type, epoch, sequence, body } = record;
    const size = body.length - EXPLICIT_NONCE_BYTES - TAG_BYTES;
    if (this.#remote === undefined || epoch !== 1 || size < 0 || !this.#replays.admits(sequence)) return undefined;
    const { key, salt } = this.#remote;
    const nonce = Buffer.concat([salt, body.subarray(0, EXPLICIT_NONCE_BYTES)]);
    const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData(record, size));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    const plain = decipher.update(body.subarray(EXPLICIT_NONCE_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    // Some clients (werift) repeat Finished as the same record; its repeat asks for our last flight and does nothing else.
    if (type !== CONTENT.handshake) this.#replays.accept(sequence);
    return plain;
  }
}

/** RFC 5288 section 3 lets us choose it: epoch and sequence number. */
function explicitNonce({ epoch, sequence }: DtlsRecord): Buffer {
  return Buffer.concat([uint(2, epoch), uint(6, sequence)]);
}

/** RFC 5246 section 6.2.3.3, with epoch and sequence number as in RFC 6347 section 4.1.2.1. */
function additionalData(record: DtlsRecord, plainBytes: number): Buffer {
  return Buffer.concat([explicitNonce(record), uint(1, record.type), uint(2, DTLS_1_2, plainBytes)]);
}
