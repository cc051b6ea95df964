/**
 * One UDP socket for every peer, with a TCP port beside it where a network needs one. A STUN binding request goes to
 * the peer whose local ufrag it names, once MESSAGE-INTEGRITY (RFC 8445 section 7.3) proves that the sender knows the
 * password; from then on its address may send DTLS and SRTCP to that peer. An answer to one of our checks goes to the
 * peer of its transaction. All other datagrams are dropped and counted by reason.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { GlimpseError } from '../../../errors.ts';
import { FirstFailures } from './first-failures.ts';
import {
  addressKey,
  hasIntegrity,
  isStun,
  readBindingRequest,
  readBindingSuccess,
  type BindingRequest,
  type BindingSuccess,
  type RemoteAddress,
} from './stun.ts';
import { FRAME_MAX_BYTES } from './tcp-frames.ts';
import { TcpListener } from './tcp-listener.ts';

/** Kernel buffer per direction, bytes: 30 ms at 1 Gbps, so that one late wake-up loses nothing. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** A peer as the mux sees it. */
export interface MuxEndpoint {
  /** An authenticated connectivity check. */
  onCheck(request: BindingRequest, from: RemoteAddress): void;
  /** An answer to one of this peer's checks, by transaction; its integrity is not verified. */
  onAnswer(datagram: Buffer, answer: BindingSuccess, from: RemoteAddress): void;
  /** DTLS, SRTP or SRTCP from an authenticated address. */
  onDatagram(datagram: Buffer, from: RemoteAddress): void;
}

export type DropReason =
  | 'stunMalformed'
  | 'stunUnknownUfrag'
  | 'stunIntegrity'
  | 'offPath'
  | 'unproven'
  | 'sendFailed'
  | 'receiveFailed'
  | 'dtlsRefused'
  | 'srtcpRefused'
  | 'srtpRefused'
  | 'sctpRefused'
  | 'foreign'
  | 'tooLarge'
  | 'unexpected';

export interface MuxOptions {
  /** Called with the first exception of each kind that a datagram caused; all are counted. */
  onFailure?: (error: unknown) => void;
  /** Which IP addresses may send; default all. */
  accepts?: (address: string) => boolean;
}

/** The endpoint that gets an address's datagrams. */
interface Owner {
  endpoint: MuxEndpoint;
  /** The address is validated: this endpoint's peer receives there. */
  proved: boolean;
}

interface Claim {
  password: string;
  endpoint: MuxEndpoint;
}

export class UdpMux {
  readonly address: { host: string; port: number };
  readonly dropped: Record<DropReason, number> = {
    stunMalformed: 0,
    stunUnknownUfrag: 0,
    stunIntegrity: 0,
    offPath: 0,
    unproven: 0,
    sendFailed: 0,
    receiveFailed: 0,
    dtlsRefused: 0,
    srtcpRefused: 0,
    srtpRefused: 0,
    sctpRefused: 0,
    foreign: 0,
    tooLarge: 0,
    unexpected: 0,
  };
  readonly #socket: Socket;
  readonly #ipv6: boolean;
  readonly #claims = new Map<string, Claim>();
  readonly #owners = new Map<string, Owner>();
  /** Our checks in flight by transaction; at most one per address of a peer. */
  readonly #expected = new Map<string, MuxEndpoint>();
  readonly #failures: FirstFailures;
  readonly #accepts: (address: string) => boolean;
  #tcp: TcpListener | undefined;
  #closed = false;

  private constructor(socket: Socket, host: string, { onFailure = () => {}, accepts = () => true }: MuxOptions) {
    this.#socket = socket;
    this.#failures = new FirstFailures(onFailure);
    this.#accepts = accepts;
    this.#ipv6 = isIPv6(host);
    this.address = { host, port: socket.address().port };
    socket.on('message', (datagram, { address, port }) => {
      const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
      this.#receive(datagram, { address: plain, port });
    });
    socket.on('error', () => this.drop('sendFailed'));
  }

  /**
   * Binds the socket.
   * @param host IP address to bind; `port` 0 picks a free one
   * @throws GlimpseError CONFIG_INVALID when the address cannot be bound
   */
  static async bind(host: string, port: number, options: MuxOptions = {}): Promise<UdpMux> {
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
      // Destinations are always addresses: answering synchronously keeps each send in the caller's tick.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, () => {
        socket.off('error', reject);
        resolve();
      });
    }).catch((cause: NodeJS.ErrnoException) => {
      socket.close();
      const reasons: Record<string, string> = {
        EADDRINUSE: 'the port is in use; choose another with --rtc-port',
        EACCES: 'not permitted',
      };
      const why = reasons[cause.code ?? ''] ?? 'the address is not available';
      const message = `The media port udp ${host}:${port} cannot be bound: ${why}.`;
      throw new GlimpseError('CONFIG_INVALID', { message, details: { host, port, errno: cause.code }, cause });
    });
    return new UdpMux(socket, host, options);
  }

  /**
   * Also accepts datagrams over TCP (RFC 6544), on `port` of the same address; 0 picks a free one.
   * @throws GlimpseError CONFIG_INVALID when the port cannot be bound
   */
  async listenTcp(port: number): Promise<void> {
    this.#tcp = await TcpListener.bind({
      host: this.address.host,
      port,
      onDatagram: (datagram, from) => this.#receive(datagram, from),
      onGone: (from) => void this.#owners.delete(addressKey(from)),
    });
  }

  /** Undefined while no TCP port is open. */
  get tcpPort(): number | undefined {
    return this.#tcp?.port;
  }

  /** Local ufrags that route to a peer. */
  get claimCount(): number {
    return this.#claims.size;
  }

  /** Addresses that may send. */
  get addressCount(): number {
    return this.#owners.size;
  }

  /** Routes checks that name `ufrag` and are authenticated by `password` to `endpoint`. */
  claim(ufrag: string, password: string, endpoint: MuxEndpoint): void {
    this.#claims.set(ufrag, { password, endpoint });
  }

  release(ufrag: string): void {
    this.#claims.delete(ufrag);
  }

  /** Removes all that an endpoint has claimed. */
  forget(endpoint: MuxEndpoint): void {
    for (const [ufrag, claim] of this.#claims) if (claim.endpoint === endpoint) this.#claims.delete(ufrag);
    for (const [key, owner] of this.#owners) if (owner.endpoint === endpoint) this.#owners.delete(key);
    for (const [id, expecting] of this.#expected) if (expecting === endpoint) this.#expected.delete(id);
  }

  /**
   * Lets an address send to `endpoint`. An address validated for another peer stays with that peer until this one
   * validates it too: a check with a forged source must not take it away.
   */
  admit(from: RemoteAddress, endpoint: MuxEndpoint, proved = false): void {
    const key = addressKey(from);
    const owner = this.#owners.get(key);
    if (owner?.endpoint === endpoint) owner.proved ||= proved;
    else if (owner?.proved !== true || proved) this.#owners.set(key, { endpoint, proved });
  }

  /** Removes an endpoint's address. */
  revoke(from: RemoteAddress, endpoint: MuxEndpoint): void {
    const key = addressKey(from);
    if (this.#owners.get(key)?.endpoint === endpoint) this.#owners.delete(key);
  }

  /** Routes the answer to a check to `endpoint`; undefined stops waiting for it. */
  expect(transactionId: Buffer, endpoint: MuxEndpoint | undefined): void {
    const id = transactionId.toString('hex');
    if (endpoint) this.#expected.set(id, endpoint);
    else this.#expected.delete(id);
  }

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }

  /** Sends one datagram. A failure is counted, not thrown: for media it is one more lost packet. */
  send(datagram: Buffer, to: RemoteAddress): void {
    if (this.#closed) return;
    if (to.stream) {
      if (!to.stream.send(datagram)) this.drop('sendFailed');
      return;
    }
    const address = this.#ipv6 && !isIPv6(to.address) ? `::ffff:${to.address}` : to.address;
    try {
      this.#socket.send(datagram, to.port, address);
    } catch {
      this.drop('sendFailed');
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#claims.clear();
    this.#owners.clear();
    this.#expected.clear();
    await this.#tcp?.close();
    await new Promise<void>((resolve) => {
      this.#socket.close(() => resolve());
    });
  }

  #receive(datagram: Buffer, from: RemoteAddress): void {
    if (!this.#accepts(from.address)) return this.drop('foreign');
    if (datagram.length > FRAME_MAX_BYTES) return this.drop('tooLarge');
    try {
      if (datagram.length > 0 && datagram[0]! < 4) this.#receiveStun(datagram, from);
      else {
        const owner = this.#owners.get(addressKey(from));
        if (owner === undefined) this.drop('offPath');
        else owner.endpoint.onDatagram(datagram, from);
      }
    } catch (error) {
      this.drop('receiveFailed');
      this.#failures.add(error);
    }
  }

  #receiveStun(datagram: Buffer, from: RemoteAddress): void {
    const request = readBindingRequest(datagram);
    if (request === undefined) return this.#receiveAnswer(datagram, from);
    const claim = this.#claims.get(request.localUfrag);
    if (claim === undefined) return this.drop('stunUnknownUfrag');
    if (!hasIntegrity(datagram, request, claim.password)) return this.drop('stunIntegrity');
    from.stream?.prove();
    claim.endpoint.onCheck(request, from);
  }

  /** Accepts only answers to our own checks; drops indications and errors. */
  #receiveAnswer(datagram: Buffer, from: RemoteAddress): void {
    const answer = readBindingSuccess(datagram);
    if (answer === undefined) return this.drop(isStun(datagram) ? 'unexpected' : 'stunMalformed');
    const endpoint = this.#expected.get(answer.transactionId.toString('hex'));
    if (endpoint === undefined) this.drop('unexpected');
    else endpoint.onAnswer(datagram, answer, from);
  }
}
