/** A DTLS session and a client in memory, joined by a network that does to datagrams what a test says, in virtual time. */
import { VirtualTime } from '../../bench/link/virtual-time.ts';
import {
  createDtlsCertificate,
  fingerprintOf,
  type DtlsCertificate,
} from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { DtlsSession } from '../../src/transport/peer/dtls/dtls-session.ts';
import { DtlsClient, type DtlsClientOptions } from '../../src/transport/peer/self-test/dtls-client.ts';
import type { SrtpMasterKeys } from '../../src/transport/peer/srtp/srtp-keys.ts';

/** Delays in ms at which the copies of one datagram arrive; none when it is lost. */
export type Fate = readonly number[];
export type Network = (datagram: Buffer, direction: 'toServer' | 'toClient') => Fate;

/** As long as light takes across a town. */
const ONE_WAY_MS = 5;
/** What a browser waits before it repeats a flight. */
const CLIENT_RESEND_MS = 50;

export const SERVER = createDtlsCertificate();
export const CLIENT = createDtlsCertificate();

export const perfect: Network = () => [ONE_WAY_MS];

export function sessionFor(
  expected: DtlsCertificate,
  clock: VirtualTime,
  send: (datagram: Buffer) => void,
  onRefused: () => void = () => {},
): DtlsSession {
  return new DtlsSession({
    certificate: SERVER,
    fingerprints: [{ hash: 'sha-256', value: fingerprintOf(expected.der, 'sha-256') }],
    clock,
    send,
    onRefused,
  });
}

export class DtlsPair {
  readonly time = new VirtualTime();
  readonly session: DtlsSession;
  readonly client: DtlsClient;
  /** Datagrams as they were sent. */
  readonly fromServer: Buffer[] = [];
  readonly fromClient: Buffer[] = [];
  readonly serverHeard: string[] = [];
  readonly clientHeard: string[] = [];
  serverKeys: SrtpMasterKeys | undefined;
  clientKeys: SrtpMasterKeys | undefined;
  failure: string | undefined;
  closed = false;
  refused = 0;
  readonly #network: Network;

  constructor(network: Network = perfect, client: Partial<DtlsClientOptions> = {}, expected = CLIENT) {
    this.#network = network;
    this.session = sessionFor(
      expected,
      this.time,
      (datagram) => {
        this.fromServer.push(datagram);
        this.#carry(datagram, 'toClient', (arrived) => this.client.receive(arrived));
      },
      () => (this.refused += 1),
    );
    this.client = new DtlsClient({
      certificate: CLIENT,
      ...client,
      send: (datagram) => {
        this.fromClient.push(datagram);
        this.#carry(datagram, 'toServer', (arrived) => this.session.receive(arrived, this.time.nowUs()));
      },
      onConnected: (keys) => (this.clientKeys = keys),
      onData: (data) => this.clientHeard.push(data.toString()),
    });
    this.session.events.on('connected', (keys) => (this.serverKeys = keys));
    this.session.events.on('failed', ({ message }) => (this.failure = message));
    this.session.events.on('closed', () => (this.closed = true));
    this.session.events.on('data', (data) => this.serverHeard.push(data.toString()));
  }

  get connected(): boolean {
    return this.serverKeys !== undefined && this.client.connected;
  }

  /** Starts the handshake and lets time pass, with a client that repeats its flight until it is connected. */
  connect(ms = 1_000): this {
    this.client.start();
    const again = (): void => {
      if (this.client.connected || this.failure !== undefined) return;
      this.client.resend();
      this.time.after(CLIENT_RESEND_MS, again);
    };
    this.time.after(CLIENT_RESEND_MS, again);
    this.time.advance(ms);
    return this;
  }

  #carry(datagram: Buffer, direction: 'toServer' | 'toClient', deliver: (datagram: Buffer) => void): void {
    const sent = Buffer.from(datagram);
    for (const delayMs of this.#network(sent, direction)) this.time.after(delayMs, () => deliver(Buffer.from(sent)));
  }
}
