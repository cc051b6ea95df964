/**
 * Drives werift's DTLS server through a handshake message by message, and adds what it lacks: message order, the
 * identity checks, and an answer to the first ClientHello without HelloVerifyRequest, which saves a round trip. RFC
 * 6347 section 4.2.1 allows that, because STUN has already verified the address.
 */
import { GlimpseError } from '../../../errors.ts';
import { matchesFingerprint, type Fingerprint } from './dtls-certificate.ts';
import { provesPossession, provesTranscript } from './dtls-checks.ts';
import { HandshakeOrder } from './handshake-order.ts';
import { HANDSHAKE, type HandshakeMessage, type WeriftDtls } from './werift-dtls.ts';

const FLIGHT_SERVER_HELLO = 4;
const FLIGHT_SERVER_FINISHED = 6;
/** Minimum interval between two sends of a flight: the shortest retransmission timer of a browser is 50 ms. */
const RESEND_INTERVAL_US = 40_000;

export class DtlsHandshake {
  readonly #server: WeriftDtls;
  readonly #expected: readonly Fingerprint[];
  readonly #onFailure: (error: GlimpseError) => void;
  readonly #order = new HandshakeOrder();
  /** Arrival time of the current datagram. */
  nowUs = 0;
  #sentUs = -Infinity;
  #possessionProved = false;
  #finished = false;
  #failed = false;

  private constructor(server: WeriftDtls, expected: readonly Fingerprint[], onFailure: (error: GlimpseError) => void) {
    this.#server = server;
    this.#expected = expected;
    this.#onFailure = onFailure;
  }

  /**
   * Becomes the only reader of the server's handshake messages.
   * @param expected what the client's certificate must match
   * @param onFailure called once, with PEER_UNTRUSTED
   */
  static install(
    server: WeriftDtls,
    expected: readonly Fingerprint[],
    onFailure: (error: GlimpseError) => void,
  ): DtlsHandshake {
    const handshake = new DtlsHandshake(server, expected, onFailure);
    server.handleFragmentHandshake = (fragments) => {
      for (const fragment of fragments) handshake.#accept(fragment);
      return [];
    };
    return handshake;
  }

  /** The client's Finished was verified, so the client has read our flight. */
  get finished(): boolean {
    return this.#finished;
  }

  #accept(fragment: HandshakeMessage): void {
    if (this.#failed) return;
    if (this.#resendFor(fragment)) return;
    for (const message of this.#order.accept(fragment)) {
      if (this.#failed) return;
      this.#handle(message);
    }
  }

  /** A repeated message means that our flight was lost (RFC 6347 section 4.2.4): sends it again. */
  #resendFor({ msg_type: type }: HandshakeMessage): boolean {
    const { flight, lastMessage } = this.#server.dtls;
    const again =
      (type === HANDSHAKE.finished && this.#finished && flight === FLIGHT_SERVER_FINISHED) ||
      (type === HANDSHAKE.clientHello && flight === FLIGHT_SERVER_HELLO);
    if (again && this.nowUs - this.#sentUs >= RESEND_INTERVAL_US) {
      this.#sentUs = this.nowUs;
      for (const record of lastMessage) void this.#server.transport.send(record);
    }
    return again || this.#finished;
  }

  #handle(message: HandshakeMessage): void {
    switch (message.msg_type) {
      case HANDSHAKE.clientHello:
        return this.#answerHello(message);
      case HANDSHAKE.certificate:
        this.#pass(message);
        return this.#checkFingerprint();
      case HANDSHAKE.clientKeyExchange:
        return this.#pass(message);
      case HANDSHAKE.certificateVerify:
        return this.#checkPossession(message);
      case HANDSHAKE.finished:
        return this.#checkFinished(message);
      default:
        return this.#fail(`unexpected handshake message ${message.msg_type}`);
    }
  }

  #checkFingerprint(): void {
    const certificate = this.#server.cipher.remoteCertificate;
    if (certificate === undefined) return this.#fail('the client showed no certificate');
    if (!matchesFingerprint(certificate, this.#expected)) this.#fail('the certificate does not match the fingerprint');
  }

  #checkPossession(message: HandshakeMessage): void {
    const certificate = this.#server.cipher.remoteCertificate;
    if (certificate === undefined || !provesPossession(message.fragment, this.#transcript(), certificate)) {
      return this.#fail('CertificateVerify does not match the certificate');
    }
    this.#possessionProved = true;
    this.#pass(message);
  }

  #checkFinished(message: HandshakeMessage): void {
    const { masterSecret } = this.#server.cipher;
    if (!this.#possessionProved || masterSecret === undefined) return this.#fail('Finished came before its proofs');
    if (!provesTranscript(message.fragment, this.#transcript(), masterSecret)) {
      return this.#fail('Finished does not match the handshake');
    }
    this.#finished = true;
    this.#sentUs = this.nowUs;
    this.#pass(message);
  }

  #transcript(): Buffer {
    return Buffer.concat(this.#server.dtls.sortedHandshakeCache.map((message) => message.serialize()));
  }

  #pass(message: HandshakeMessage): void {
    this.#server.onHandleHandshakes([message]).catch((cause: unknown) => this.#fail('the handshake broke off', cause));
  }

  /**
   * werift selects suite, curve, SRTP profile and cookie while it writes HelloVerifyRequest, and writes ServerHello
   * when the hello returns with the cookie. This runs both steps at once, the first with sending disabled. The
   * transcript must hold the hello as it was sent, and ServerHello must be message 0, since no HelloVerifyRequest was
   * sent.
   */
  #answerHello(hello: HandshakeMessage): void {
    const { transport, dtls } = this.#server;
    const { send } = transport;
    transport.send = async () => {};
    this.#pass(hello);
    transport.send = send;
    const { cookie } = dtls;
    if (cookie === undefined) return this.#fail('no cipher suite, curve or SRTP profile in common');
    const sent = hello.fragment;
    hello.fragment = withCookie(sent, cookie);
    ignoreFirstAssignment(dtls);
    this.#sentUs = this.nowUs;
    this.#pass(hello);
    hello.fragment = sent;
  }

  #fail(why: string, cause?: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(new GlimpseError('PEER_UNTRUSTED', { message: `DTLS: ${why}.`, cause }));
  }
}

/** ClientHello is version 2, random 32, session id, cookie, … (RFC 6347 section 4.2.1). */
function withCookie(hello: Buffer, cookie: Buffer): Buffer {
  const cookieAt = 35 + hello[34]!;
  return Buffer.concat([
    hello.subarray(0, cookieAt),
    Buffer.from([cookie.length]),
    cookie,
    hello.subarray(cookieAt + 1),
  ]);
}

/** werift starts its second flight with `sequenceNumber = 1`; this keeps the value at 0 for that one assignment. */
function ignoreFirstAssignment(dtls: WeriftDtls['dtls']): void {
  let value = 0;
  let ignored = false;
  Object.defineProperty(dtls, 'sequenceNumber', {
    configurable: true,
    get: () => value,
    set: (next: number) => {
      if (ignored) value = next;
      ignored = true;
    },
  });
}
