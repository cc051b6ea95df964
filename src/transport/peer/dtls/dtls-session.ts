/**
 * One DTLS 1.2 association (RFC 6347, RFC 5764) in the server role over werift: datagrams in and out, `connected` with
 * SRTP keys, application data, and an end. Once connected it accepts only authenticated records, each once (RFC 6347
 * section 4.1.2.6). werift checks neither: it would act on forged plaintext alerts, hellos and unknown record types.
 */
import { Emitter } from '../../../events.ts';
import { GlimpseError } from '../../../errors.ts';
import { Budget } from '../../budget.ts';
import type { DtlsCertificate, Fingerprint } from './dtls-certificate.ts';
import { DtlsHandshake } from './dtls-handshake.ts';
import { ReplayWindow } from '../srtp/replay-window.ts';
import { MASTER_SALT_BYTES, SRTP_PROFILES, type SrtpMasterKeys, type SrtpProfile } from '../srtp/srtp-keys.ts';
import { createWeriftDtls, type DtlsRecord, type WeriftDtls } from './werift-dtls.ts';

const RECORD_HEADER_BYTES = 13;
const CONTENT = { alert: 21, handshake: 22, applicationData: 23 } as const;
const ALERT = { warning: 1, fatal: 2, closeNotify: 0 } as const;
/** werift uses no such flight number: its retransmission loops stop when they see it. */
const FLIGHT_OVER = 99;
/**
 * werift continues the plaintext epoch's numbers for Finished and then starts application data at 1, so the number of
 * Finished, and its AES-GCM nonce, would repeat. Finished is record 8; application data starts well above it.
 */
const FIRST_APPLICATION_RECORD = 64;

/** Replay window, records; RFC 6347 requires at least 32 and recommends 64. */
const WINDOW_RECORDS = 128;
/** Records that a peer may send: a message of the largest size is 84. */
const RECORDS_PER_SECOND = { perSecond: 1_000, burst: 2_000 };

/** What a datagram proved: the client has read our flight (`proof`), or a record that only the peer can write. */
export type DtlsNews = 'none' | 'authentic' | 'proof';

export interface DtlsEvents {
  /** The handshake is complete and every check has passed. */
  connected: [keys: SrtpMasterKeys];
  data: [data: Buffer];
  /** A check failed; the association has ended. */
  failed: [error: GlimpseError];
  /** The client sent close_notify or a fatal alert. */
  closed: [];
}

export interface DtlsSessionOptions {
  certificate: DtlsCertificate;
  /** The client's certificate must match one of these. */
  fingerprints: readonly Fingerprint[];
  send: (datagram: Buffer) => void;
  onRefused: () => void;
}

export class DtlsSession {
  readonly events = new Emitter<DtlsEvents>();
  readonly #server: WeriftDtls;
  readonly #options: DtlsSessionOptions;
  readonly #handshake: DtlsHandshake;
  readonly #budget = new Budget(RECORDS_PER_SECOND);
  readonly #replays = new ReplayWindow(WINDOW_RECORDS);
  #connected = false;
  #closed = false;
  #news: DtlsNews = 'none';

  constructor(options: DtlsSessionOptions) {
    this.#options = options;
    this.#server = createWeriftDtls(options.certificate, SRTP_PROFILES, (datagram) => {
      if (!this.#closed) options.send(datagram);
    });
    this.#handshake = DtlsHandshake.install(this.#server, options.fingerprints, (error) => this.#fail(error));
    this.#server.onConnect.subscribe(() => this.#connect());
    this.#server.onData.subscribe((data) => {
      if (!this.#connected || this.#closed) return;
      this.#news = 'authentic';
      this.events.emit('data', data);
    });
  }

  /** Takes one datagram whose first byte marks it as DTLS (RFC 7983: 20 to 63). */
  receive(datagram: Buffer, nowUs: number): DtlsNews {
    if (this.#closed) return 'none';
    this.#news = 'none';
    const before = this.#handshake.finished;
    this.#handshake.nowUs = nowUs;
    try {
      for (const record of recordsOf(datagram)) {
        if (this.#budget.take(1, nowUs)) this.#receiveRecord(record);
        else this.#options.onRefused();
      }
    } catch {
      this.#options.onRefused();
    }
    return this.#handshake.finished && !before ? 'proof' : this.#news;
  }

  /** Sends application data; has no effect before `connected` or after `close`. */
  async send(data: Buffer): Promise<void> {
    if (this.#connected && !this.#closed) await this.#server.send(data);
  }

  /** Sends close_notify and stops. Idempotent. */
  close(): void {
    if (this.#closed) return;
    if (this.#connected) this.#options.send(this.#closeNotify());
    this.#closed = true;
    this.#server.dtls.flight = FLIGHT_OVER;
    this.events.clear();
  }

  #connect(): void {
    if (this.#closed || this.#connected) return;
    const profile = this.#server.srtp.srtpProfile as SrtpProfile | undefined;
    if (profile === undefined) {
      return this.#fail(new GlimpseError('PEER_UNTRUSTED', { message: 'DTLS: the client negotiated no SRTP.' }));
    }
    this.#connected = true;
    this.#server.dtls.recordSequenceNumber = FIRST_APPLICATION_RECORD;
    const keys = this.#server.extractSessionKeys(16, MASTER_SALT_BYTES[profile]);
    this.events.emit('connected', { profile, ...keys });
  }

  #fail(error: GlimpseError): void {
    if (this.#closed) return;
    this.events.emit('failed', error);
    this.close();
  }

  #receiveRecord(record: Buffer): void {
    const type = record[0];
    const epoch = record.readUInt16BE(3);
    if (!this.#connected) {
      // Ignores plaintext alerts, which anyone can forge; a failed handshake ends by timeout.
      if (type !== CONTENT.alert) this.#server.transport.socket.onData(record);
    } else if (epoch !== 1 || !this.#replays.admits(record.readUIntBE(5, 6))) this.#options.onRefused();
    else if (type === CONTENT.handshake) this.#server.transport.socket.onData(record);
    else if (type === CONTENT.applicationData) this.#receiveData(record);
    else if (type === CONTENT.alert) this.#receiveAlert(record);
    else this.#options.onRefused();
  }

  #receiveData(record: Buffer): void {
    this.#server.transport.socket.onData(record);
    if (this.#news === 'authentic') this.#replays.accept(record.readUIntBE(5, 6));
  }

  /** Accepts only decrypted alerts; werift would trust one that happens to look like plaintext. */
  #receiveAlert(record: Buffer): void {
    const [level, description] = this.#server.cipher.decryptPacket(asRecord(record));
    if (level !== ALERT.fatal && description !== ALERT.closeNotify) return;
    this.events.emit('closed');
    this.close();
  }

  #closeNotify(): Buffer {
    const sequenceNumber = ++this.#server.dtls.recordSequenceNumber;
    const header = Buffer.from([CONTENT.alert, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUIntBE(sequenceNumber, 5, 6);
    const plain = Buffer.concat([header, Buffer.from([ALERT.warning, ALERT.closeNotify])]);
    const { fragment } = this.#server.cipher.encryptPacket(asRecord(plain));
    header.writeUInt16BE(fragment.length, 11);
    return Buffer.concat([header, fragment]);
  }
}

/** Splits a datagram into records; stops at a record longer than the rest. */
function* recordsOf(datagram: Buffer): Generator<Buffer> {
  for (let at = 0; at + RECORD_HEADER_BYTES <= datagram.length;) {
    const end = at + RECORD_HEADER_BYTES + datagram.readUInt16BE(at + 11);
    if (end > datagram.length) return;
    yield datagram.subarray(at, end);
    at = end;
  }
}

function asRecord(record: Buffer): DtlsRecord {
  return {
    recordLayerHeader: {
      contentType: record[0]!,
      protocolVersion: { major: record[1]!, minor: record[2]! },
      epoch: record.readUInt16BE(3),
      sequenceNumber: record.readUIntBE(5, 6),
      contentLen: record.length - RECORD_HEADER_BYTES,
    },
    fragment: record.subarray(RECORD_HEADER_BYTES),
  };
}
