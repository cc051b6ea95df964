/**
 * A minimal WebRTC client: one UDP socket, one connectivity check, one DTLS handshake. A certificate with a foreign
 * private key makes it an impostor.
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { every, systemClock, type Timer } from '../../../src/clock.ts';
import type { DtlsCertificate } from '../../../src/transport/peer/dtls/dtls-certificate.ts';
import {
  isStun,
  STUN_TYPE,
  writeBindingRequest,
  writeBindingSuccess,
  type RemoteAddress,
} from '../../../src/transport/peer/ice/stun.ts';
import { DtlsClient } from '../../../src/transport/peer/self-test/dtls-client.ts';

const UFRAG = 'self';
const PASSWORD = 'selftestselftestselftest';
const RESEND_INTERVAL_MS = 100;

export class LoopbackClient {
  readonly #certificate: DtlsCertificate;
  readonly #socket: Socket;
  readonly #dtls: DtlsClient;
  readonly #connected = Promise.withResolvers<void>();
  #to: RemoteAddress | undefined;
  #resends: Timer | undefined;

  /** @param certificate what the client presents; a foreign `keyPem` makes the client an impostor */
  constructor(certificate: DtlsCertificate, host: string) {
    this.#certificate = certificate;
    this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#socket.on('error', () => {});
    this.#dtls = new DtlsClient({
      certificate,
      send: (datagram) => this.#send(datagram),
      onConnected: () => this.#connected.resolve(),
    });
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
    this.#socket.on('message', (datagram) => this.#receive(datagram));
    this.check(answerSdp);
    await this.#connected.promise;
    this.#resends?.close();
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
    this.#resends?.close();
    this.#to = undefined;
    this.#socket.close();
  }

  #receive(datagram: Buffer): void {
    const [first = 0] = datagram;
    // RFC 7983: values above are media.
    if (first >= 20 && first <= 63) this.#dtls.receive(datagram);
    else if (!isStun(datagram)) return;
    else if (datagram.readUInt16BE(0) === STUN_TYPE.bindingRequest) this.#answer(datagram);
    else if (datagram.readUInt16BE(0) === STUN_TYPE.bindingSuccess && this.#resends === undefined) {
      this.#dtls.start();
      this.#resends = every(systemClock, RESEND_INTERVAL_MS, () => this.#dtls.resend(), { background: true });
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
