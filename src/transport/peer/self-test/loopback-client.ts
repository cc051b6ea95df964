/**
 * A minimal WebRTC client: one UDP socket, one connectivity check, werift's DTLS client. The boot self-test connects
 * with it twice: with a valid certificate, and with one whose private key it does not hold.
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { DtlsClient, HashAlgorithm, SignatureAlgorithm } from 'werift';
import type { DtlsCertificate } from '../dtls/dtls-certificate.ts';
import { SRTP_PROFILES } from '../srtp/srtp-keys.ts';
import { isStun, STUN_TYPE, writeBindingRequest, writeBindingSuccess, type RemoteAddress } from '../ice/stun.ts';

const UFRAG = 'self';
const PASSWORD = 'selftestselftestselftest';
/** werift uses no such flight number: its retransmission loop stops when it sees it. */
const FLIGHT_OVER = 99;

/** werift's DTLS client over the caller's transport; the caller passes input to its `transport.socket`. */
export const createDtlsClient = (
  { certPem, keyPem }: DtlsCertificate,
  send: (datagram: Buffer) => void,
  profiles: typeof SRTP_PROFILES = SRTP_PROFILES,
): DtlsClient =>
  new DtlsClient({
    cert: certPem,
    key: keyPem,
    signatureHash: { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    srtpProfiles: [...profiles],
    extendedMasterSecret: true,
    transport: {
      type: 'udp',
      address: { address: '', family: '', port: 0 },
      closed: false,
      onData: () => {},
      send: async (datagram) => send(datagram),
      close: async () => {},
    },
  });

export class LoopbackClient {
  readonly #certificate: DtlsCertificate;
  readonly #socket: Socket;
  readonly #dtls: DtlsClient;
  #to: RemoteAddress | undefined;

  /** @param certificate what the client presents; a foreign `keyPem` makes the client an impostor */
  constructor(certificate: DtlsCertificate, host: string) {
    this.#certificate = certificate;
    this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#socket.on('error', () => {});
    this.#dtls = createDtlsClient(certificate, (datagram) => this.#send(datagram));
  }

  /** A recvonly VP8 offer with this client's identity. */
  get offer(): string {
    return [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      'm=video 9 UDP/TLS/RTP/SAVPF 96',
      'c=IN IP4 0.0.0.0',
      'a=mid:0',
      'a=recvonly',
      'a=rtcp-mux',
      `a=ice-ufrag:${UFRAG}`,
      `a=ice-pwd:${PASSWORD}`,
      `a=fingerprint:${this.#certificate.fingerprint}`,
      'a=setup:actpass',
      'a=rtpmap:96 VP8/90000',
      '',
    ].join('\r\n');
  }

  /** Sends a check and, once it is answered, starts the handshake. Resolves when DTLS is connected on this side. */
  async connect(answerSdp: string, to: RemoteAddress): Promise<void> {
    this.#to = to;
    const connected = new Promise<void>((resolve) => {
      this.#dtls.onConnect.once(() => resolve());
    });
    this.#socket.on('message', (datagram) => this.#receive(datagram));
    this.check(answerSdp);
    await connected;
  }

  /** Sends one connectivity check that nominates this client's address. */
  check(answerSdp: string): void {
    const attribute = (name: string): string => new RegExp(`^a=${name}:(.+)$`, 'm').exec(answerSdp)?.[1]?.trim() ?? '';
    const request = {
      transactionId: randomBytes(12),
      username: `${attribute('ice-ufrag')}:${UFRAG}`,
      password: attribute('ice-pwd'),
      useCandidate: true,
    };
    this.#send(writeBindingRequest(request));
  }

  close(): void {
    this.#dtls.dtls.flight = FLIGHT_OVER;
    this.#to = undefined;
    this.#socket.close();
  }

  #receive(datagram: Buffer): void {
    const [first = 0] = datagram;
    // RFC 7983: values above are media, which werift's DTLS cannot handle.
    if (first >= 20 && first <= 63) this.#dtls.transport.socket.onData(datagram, ['', 0]);
    else if (!isStun(datagram)) return;
    else if (datagram.readUInt16BE(0) === STUN_TYPE.bindingRequest) this.#answer(datagram);
    else if (datagram.readUInt16BE(0) === STUN_TYPE.bindingSuccess && !this.#dtls.connected) {
      this.#dtls.connect().catch(() => {});
    }
  }

  /** Answers the server's check of this address. */
  #answer(request: Buffer): void {
    const { address, port } = this.#to ?? { address: '', port: 0 };
    if (port > 0) this.#send(writeBindingSuccess(request.subarray(8, 20), { address, port }, PASSWORD));
  }

  #send(datagram: Buffer): void {
    if (this.#to !== undefined) this.#socket.send(datagram, this.#to.port, this.#to.address);
  }
}
