/**
 * One UDP socket for every peer, and beside it, where a network needs one, a TCP port that carries the same datagrams. A
 * STUN binding request is routed by the local ufrag it names, and only after its MESSAGE-INTEGRITY (RFC 8445 section 7.3)
 * proved the sender knows that peer's password; from then on its address may send DTLS and SRTCP to that peer. An answer
 * to a check of ours is routed by its transaction. Everything else is dropped and counted by reason.
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

/** Kernel buffer asked for in each direction, bytes: 30 ms of 1 Gbps, so that one late wake-up loses nothing. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** A peer as the mux sees it. */
export interface MuxEndpoint {
  /** An authenticated connectivity check. */
  onCheck(request: BindingRequest, from: RemoteAddress): void;
  /** What answers a check of this peer's by its transaction; its integrity is not verified. */
  onAnswer(datagram: Buffer, answer: BindingSuccess, from: RemoteAddress): void;
  /** DTLS, SRTP or SRTCP from an address that proved itself. */
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
  | 'dtlsPlaintext'
  | 'srtcpRefused'
  | 'sctpRefused'
  | 'foreign'
  | 'tooLarge'
  | 'unexpected';

export interface MuxOptions {
  /** Told of the first of each kind of exception that a datagram caused; all are counted. */
  onFailure?: (error: unknown) => void;
  /** Which IP addresses may send at all; default every one. */
  accepts?: (address: string) => boolean;
}

/** Who is sent what comes from an address. */
interface Owner {
  endpoint: MuxEndpoint;
  /** What is sent to the address arrives at this endpoint's peer. */
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
    dtlsPlaintext: 0,
    srtcpRefused: 0,
    sctpRefused: 0,
    foreign: 0,
    tooLarge: 0,
    unexpected: 0,
  };
  readonly #socket: Socket;
  readonly #ipv6: boolean;
  readonly #claims = new Map<string, Claim>();
  readonly #owners = new Map<string, Owner>();
  /** Checks of ours by transaction; a peer has at most one for each of its addresses. */
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
   * @param host IP address to bind; `port` 0 picks a free one.
   * @throws GlimpseError CONFIG_INVALID when the address cannot be bound.
   */
  static async bind(host: string, port: number, options: MuxOptions = {}): Promise<UdpMux> {
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
      // Every destination is an address already: answering at once keeps each send in the caller's tick.
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
   * Takes datagrams by TCP too (RFC 6544), on `port` of the same address; 0 picks a free one.
   * @throws GlimpseError CONFIG_INVALID when it cannot be bound
   */
  async listenTcp(port: number): Promise<void> {
    this.#tcp = await TcpListener.bind({
      host: this.address.host,
      port,
      onDatagram: (datagram, from) => this.#receive(datagram, from),
      onGone: (from) => void this.#owners.delete(addressKey(from)),
    });
  }

  /** Undefined while there is none. */
  get tcpPort(): number | undefined {
    return this.#tcp?.port;
  }

  /** Local ufrags that route to someone. */
  get claimCount(): number {
    return this.#claims.size;
  }

  /** Addresses that may send. */
  get addressCount(): number {
    return this.#owners.size;
  }

  /** Routes checks that name `ufrag` and prove `password` to `endpoint`. */
  claim(ufrag: string, password: string, endpoint: MuxEndpoint): void {
    this.#claims.set(ufrag, { password, endpoint });
  }

  release(ufrag: string): void {
    this.#claims.delete(ufrag);
  }

  /** Takes back everything an endpoint holds. */
  forget(endpoint: MuxEndpoint): void {
    for (const [ufrag, claim] of this.#claims) if (claim.endpoint === endpoint) this.#claims.delete(ufrag);
    for (const [key, owner] of this.#owners) if (owner.endpoint === endpoint) this.#owners.delete(key);
    for (const [id, expecting] of this.#expected) if (expecting === endpoint) this.#expected.delete(id);
  }

  /**
   * Lets an address send to `endpoint`. One that has been proved for another peer stays with that one until this one
   * proves it as well: a check with a forged source must not take it away.
   */
  admit(from: RemoteAddress, endpoint: MuxEndpoint, proved = false): void {
    const key = addressKey(from);
    const owner = this.#owners.get(key);
    if (owner?.endpoint === endpoint) owner.proved ||= proved;
    else if (owner?.proved !== true || proved) this.#owners.set(key, { endpoint, proved });
  }

  /** Takes an address back. */
  revoke(from: RemoteAddress, endpoint: MuxEndpoint): void {
    const key = addressKey(from);
    if (this.#owners.get(key)?.endpoint === endpoint) this.#owners.delete(key);
  }

  /** Routes the answer to a check; undefined: it is not waited for any more. */
  expect(transactionId: Buffer, endpoint: MuxEndpoint | undefined): void {
    const id = transactionId.toString('hex');
    if (endpoint) this.#expected.set(id, endpoint);
    else this.#expected.delete(id);
  }

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }

  /** Sends one datagram; a failure is counted, never thrown: for media it is one more lost packet. */
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

  /** Only what answers a check of ours is read; indications and errors are not. */
  #receiveAnswer(datagram: Buffer, from: RemoteAddress): void {
    const answer = readBindingSuccess(datagram);
    if (answer === undefined) return this.drop(isStun(datagram) ? 'unexpected' : 'stunMalformed');
    const endpoint = this.#expected.get(answer.transactionId.toString('hex'));
    if (endpoint === undefined) this.drop('unexpected');
    else endpoint.onAnswer(datagram, answer, from);
  }
}
