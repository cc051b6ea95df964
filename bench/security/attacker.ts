/** A peer that completes DTLS and then misbehaves: it speaks SCTP and SRTCP of its own making, from any socket. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createDtlsCertificate, type DtlsCertificate } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { DtlsClient } from '../../src/transport/peer/self-test/dtls-client.ts';
import { SrtcpSession } from '../../src/transport/peer/srtp/srtcp-session.ts';
import type { SrtpMasterKeys } from '../../src/transport/peer/srtp/srtp-keys.ts';
import { isStun, STUN_TYPE, writeBindingRequest, writeBindingSuccess } from '../../src/transport/peer/ice/stun.ts';
import { init, packetOf, readInitAck } from './sctp-packet.ts';
import type { Target } from './target.ts';
import { post } from './viewer.ts';

const UFRAG = 'evil';
const PASSWORD = 'evilevilevilevilevilevil';
const FIRST_TSN = 1_000;
const TAG = 0x1234_5678;
const ASK_INTERVAL_MS = 200;
const CONSENT_INTERVAL_MS = 1_000;

/** A UDP socket that counts. */
export class CountedSocket {
  readonly socket: Socket = createSocket('udp4');
  sentBytes = 0;
  heardBytes = 0;
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.socket.on('message', ({ length }) => (this.heardBytes += length));
    this.socket.on('error', () => {});
  }

  static async open(port: number): Promise<CountedSocket> {
    const counted = new CountedSocket(port);
    counted.socket.bind(0, '127.0.0.1');
    await once(counted.socket, 'listening');
    return counted;
  }

  send(datagram: Buffer): void {
    this.sentBytes += datagram.length;
    this.socket.send(datagram, this.#port, '127.0.0.1');
  }
}

interface JoinedSession {
  /** The answer. */
  sdp: string;
  location: string;
  certificate: DtlsCertificate;
}

export class Attacker implements AsyncDisposable {
  readonly path: CountedSocket;
  /** TSN of the server's first DATA. */
  theirTsn = 0;
  readonly firstTsn = FIRST_TSN;
  #tag = 0;
  readonly #target: Target;
  readonly #location: string;
  readonly #answer: string;
  readonly #dtls: DtlsClient;
  readonly #keys = Promise.withResolvers<SrtpMasterKeys>();
  #srtcp: SrtcpSession | undefined;
  #consent: NodeJS.Timeout | undefined;
  #onSctp: (packet: Buffer) => void = () => {};

  readonly #certificate: DtlsCertificate;

  private constructor(target: Target, path: CountedSocket, session: JoinedSession) {
    this.#target = target;
    this.path = path;
    this.#answer = session.sdp;
    this.#location = session.location;
    this.#certificate = session.certificate;
    this.#dtls = new DtlsClient({
      certificate: session.certificate,
      send: (datagram) => path.send(datagram),
      onConnected: (keys) => this.#keys.resolve(keys),
      onData: (packet) => this.#onSctp(packet),
    });
  }

  /** A session of its own, not connected yet. */
  static async join(target: Target): Promise<Attacker> {
    const certificate = createDtlsCertificate();
    const path = await CountedSocket.open(target.mediaPort);
    const response = await post(target, offerOf(certificate.fingerprint));
    const sdp = await response.text();
    if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${sdp}`);
    return new Attacker(target, path, { sdp, certificate, location: response.headers.get('Location') ?? '' });
  }

  /** Checks, completes DTLS and establishes SCTP as a client should. */
  async connect(): Promise<void> {
    const checked = Promise.withResolvers<void>();
    this.path.socket.on('message', (datagram) => {
      const [first = 0] = datagram;
      if (isStun(datagram)) {
        if (datagram.readUInt16BE(0) === STUN_TYPE.bindingRequest) this.#answerCheck(datagram);
        else checked.resolve();
      } else if (first >= 20 && first <= 63) this.#dtls.receive(datagram);
    });
    this.path.send(this.check());
    await checked.promise;
    this.#dtls.start();
    const again = setInterval(() => this.#dtls.resend(), ASK_INTERVAL_MS);
    const keys = await this.#keys.promise.finally(() => clearInterval(again));
    this.#consent = setInterval(() => this.path.send(this.check()), CONSENT_INTERVAL_MS);
    this.#srtcp = new SrtcpSession(keys);
    await this.#establish();
  }

  /** A connectivity check that nominates wherever it is sent from. */
  check(): Buffer {
    const attribute = (name: string): string =>
      new RegExp(`^a=${name}:(.+)$`, 'm').exec(this.#answer)?.[1]?.trim() ?? '';
    return writeBindingRequest({
      transactionId: randomBytes(12),
      username: `${attribute('ice-ufrag')}:${UFRAG}`,
      password: attribute('ice-pwd'),
      useCandidate: true,
    });
  }

  /** The ClientHello that begins a handshake, not sent. */
  hello(): Buffer {
    const sent: Buffer[] = [];
    new DtlsClient({ certificate: this.#certificate, send: (datagram) => sent.push(datagram) }).start();
    return sent[0]!;
  }

  sendSctp(...chunks: readonly Buffer[]): void {
    this.#dtls.send(packetOf(this.#tag, ...chunks));
  }

  sendRtcp(compound: Uint8Array): void {
    if (this.#srtcp) this.path.send(this.#srtcp.protect(compound));
  }

  /** SSRC of the video, by the answer. */
  get ssrc(): number {
    return Number(/^a=ssrc:(\d+) /m.exec(this.#answer)?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#consent);
    await fetch(new URL(this.#location, `${this.#target.url}/whep`), { method: 'DELETE' }).catch(() => {});
    this.path.socket.close();
  }

  async #establish(): Promise<void> {
    const { tag, firstTsn, cookieEcho } = readInitAck(await this.#ask(packetOf(0, init(TAG, FIRST_TSN))));
    this.#tag = tag;
    this.theirTsn = firstTsn;
    await this.#ask(packetOf(tag, cookieEcho));
  }

  /** Sends a packet until something answers. */
  async #ask(packet: Buffer): Promise<Buffer> {
    const answer = new Promise<Buffer>((resolve) => (this.#onSctp = resolve));
    const send = (): void => this.#dtls.send(packet);
    const again = setInterval(send, ASK_INTERVAL_MS);
    send();
    return answer.finally(() => clearInterval(again));
  }

  #answerCheck(request: Buffer): void {
    const { port } = this.path.socket.address();
    this.path.send(writeBindingSuccess(request.subarray(8, 20), { address: '127.0.0.1', port }, PASSWORD));
  }
}

function offerOf(fingerprint: string): string {
  const transport = [
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${UFRAG}`,
    `a=ice-pwd:${PASSWORD}`,
    `a=fingerprint:${fingerprint}`,
    'a=setup:actpass',
  ];
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0 1',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    ...transport,
    'a=mid:0',
    'a=recvonly',
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 transport-cc',
    'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    ...transport,
    'a=mid:1',
    'a=sctp-port:5000',
    '',
  ].join('\r\n');
}
