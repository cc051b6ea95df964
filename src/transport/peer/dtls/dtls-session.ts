/**
 * One DTLS 1.2 association (RFC 6347, RFC 5764) in the server role: datagrams in and out, `connected` with SRTP keys,
 * application data, and an end. Before the handshake is complete it reads only handshake messages; after that only
 * records that are authentic, each once. Anything else is dropped and counted: forged alerts, hellos, unknown types.
 */
import type { Clock, Timer } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import { Emitter } from '../../../events.ts';
import { Budget } from '../../budget.ts';
import type { SrtpMasterKeys } from '../srtp/srtp-keys.ts';
import { recordKeys, srtpMasterKeys } from './key-schedule.ts';
import { MessageAssembler } from './message-assembler.ts';
import { RecordLayer } from './record-layer.ts';
import { ALERT, CONTENT, readFragments, readRecords, type DtlsRecord } from './records.ts';
import {
  CLIENT_MESSAGES,
  step,
  type FlightRecord,
  type HandshakeContext,
  type HandshakeState,
  type Refusal,
} from './server-handshake.ts';

/** Records that a peer may send: a message of the largest size is 84. */
const RECORDS_PER_SECOND = { perSecond: 1_000, burst: 2_000 };
/** Largest datagram of a flight: what every path carries (RFC 8261 section 5). */
const DATAGRAM_MAX_BYTES = 1_200;
/** Minimum interval between two sends of a flight: the shortest retransmission timer of a browser is 50 ms. */
const RESEND_INTERVAL_US = 40_000;
/**
 * Retransmission timer (RFC 6347 section 4.2.4). Clients repeat their hello too, browsers after 50 ms; this timer is for
 * those that wait a second. It doubles each time, and its last run ends before a session's deadline to connect.
 */
const RESEND_AFTER_MS = 200;
const RESENDS_MAX = 5;

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

export interface DtlsSessionOptions extends HandshakeContext {
  send: (datagram: Buffer) => void;
  onRefused: () => void;
  clock: Clock;
}

export class DtlsSession {
  readonly events = new Emitter<DtlsEvents>();
  readonly #options: DtlsSessionOptions;
  readonly #budget = new Budget(RECORDS_PER_SECOND);
  readonly #records = new RecordLayer();
  readonly #messages = new MessageAssembler(CLIENT_MESSAGES);
  #state: HandshakeState = { expects: 'clientHello' };
  #flight: readonly FlightRecord[] = [];
  #sentUs = -Infinity;
  #resends = 0;
  #timer: Timer | undefined;
  #closed = false;
  #news: DtlsNews = 'none';

  constructor(options: DtlsSessionOptions) {
    this.#options = options;
  }

  /** Takes one datagram whose first byte marks it as DTLS (RFC 7983: 20 to 63). */
  receive(datagram: Buffer, nowUs: number): DtlsNews {
    this.#news = 'none';
    for (const record of readRecords(datagram)) {
      if (this.#closed) break;
      if (!this.#budget.take(1, nowUs) || !this.#receiveRecord(record, nowUs)) this.#options.onRefused();
    }
    return this.#news;
  }

  /** Sends application data; has no effect before `connected` or after `close`. */
  send(data: Buffer): void {
    if (this.#connected && !this.#closed) this.#options.send(this.#records.write(CONTENT.applicationData, 1, data));
  }

  /** Sends close_notify and stops. Idempotent. */
  close(): void {
    if (this.#closed) return;
    if (this.#connected) this.#sendAlert(1, ALERT.warning, ALERT.closeNotify);
    this.#stop();
  }

  get #connected(): boolean {
    return this.#state.expects === 'nothing';
  }

  #stop(): void {
    this.#closed = true;
    this.#timer?.close();
    this.events.clear();
  }

  /** False when the record is refused. */
  #receiveRecord(record: DtlsRecord, nowUs: number): boolean {
    if (record.epoch === 0) {
      if (this.#connected) return false;
      // Plaintext alerts can be forged: a failed handshake ends by its deadline. ChangeCipherSpec says nothing more
      // than the epoch of the next record.
      if (record.type === CONTENT.handshake) this.#receiveHandshake(record.body, 0, nowUs);
      return true;
    }
    const plain = this.#records.open(record);
    if (plain === undefined) return false;
    if (record.type === CONTENT.handshake) this.#receiveHandshake(plain, 1, nowUs);
    else if (!this.#connected) return false;
    else if (record.type === CONTENT.applicationData) this.#receiveData(plain);
    else if (record.type === CONTENT.alert) this.#receiveAlert(plain);
    else return false;
    return true;
  }

  #receiveData(data: Buffer): void {
    this.#news = 'authentic';
    this.events.emit('data', data);
  }

  #receiveAlert(alert: Buffer): void {
    const [level, description] = alert;
    if (level !== ALERT.fatal && description !== ALERT.closeNotify) return;
    this.events.emit('closed');
    this.close();
  }

  #receiveHandshake(body: Buffer, epoch: 0 | 1, nowUs: number): void {
    for (const fragment of readFragments(body)) {
      if (fragment.sequence < this.#messages.next) this.#resendFor(fragment.sequence, epoch, nowUs);
      for (const message of this.#messages.take(fragment, epoch)) {
        if (this.#closed) return;
        this.#advance(message, nowUs);
      }
    }
  }

  /** The message that our flight answers came again, so the flight was lost (RFC 6347 section 4.2.4). */
  #resendFor(sequence: number, epoch: 0 | 1, nowUs: number): void {
    if (sequence !== this.#messages.next - 1 || CLIENT_MESSAGES[sequence]?.epoch !== epoch) return;
    if (nowUs - this.#sentUs >= RESEND_INTERVAL_US) this.#sendFlight(nowUs);
  }

  #advance(message: Buffer, nowUs: number): void {
    const before = this.#state;
    const next = step(before, message, this.#options);
    if ('alert' in next) return this.#fail(next);
    this.#state = next.state;
    // The client goes on, so it has our flight; from here its own timer repeats what is lost.
    this.#timer?.close();
    this.#flight = next.flight ?? [];
    if (before.expects === 'clientKeyExchange' && 'masterSecret' in next.state) {
      const { client, server } = recordKeys(next.state.masterSecret, next.state.randoms);
      this.#records.setKeys(server, client);
    }
    if (next.flight) this.#sendFlight(nowUs);
    if (next.state.expects === 'nothing') this.#connect(next.state);
    else if (next.flight) this.#resendAfter(RESEND_AFTER_MS);
  }

  #connect({ masterSecret, randoms, srtpProfile }: HandshakeState & { expects: 'nothing' }): void {
    this.#news = 'proof';
    const { client, server } = srtpMasterKeys(masterSecret, randoms, srtpProfile);
    this.events.emit('connected', {
      profile: srtpProfile,
      localKey: server.key,
      localSalt: server.salt,
      remoteKey: client.key,
      remoteSalt: client.salt,
    });
  }

  #fail({ alert, why }: Refusal): void {
    this.#sendAlert(0, ALERT.fatal, alert);
    this.events.emit('failed', new GlimpseError('PEER_UNTRUSTED', { message: `DTLS: ${why}.` }));
    this.#stop();
  }

  #sendAlert(epoch: 0 | 1, level: number, description: number): void {
    this.#options.send(this.#records.write(CONTENT.alert, epoch, Buffer.of(level, description)));
  }

  #resendAfter(delayMs: number): void {
    this.#timer = this.#options.clock.after(
      delayMs,
      () => {
        if (this.#resends++ >= RESENDS_MAX) return;
        this.#sendFlight(this.#options.clock.nowUs());
        this.#resendAfter(2 * delayMs);
      },
      { background: true },
    );
  }

  /** Sends the flight with new record numbers, several records to a datagram. */
  #sendFlight(nowUs: number): void {
    this.#sentUs = nowUs;
    let datagram: Buffer[] = [];
    let bytes = 0;
    for (const { type, epoch, body } of this.#flight) {
      const record = this.#records.write(type, epoch, body);
      if (bytes + record.length > DATAGRAM_MAX_BYTES) {
        this.#options.send(Buffer.concat(datagram));
        [datagram, bytes] = [[], 0];
      }
      datagram.push(record);
      bytes += record.length;
    }
    if (bytes > 0) this.#options.send(Buffer.concat(datagram));
  }
}
