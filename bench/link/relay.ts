/**
 * Driver B of the link model: a UDP relay on loopback between a browser and a server. Each direction is a `Path`, which
 * decides every datagram's fate the moment it comes in, and a `DelayLine`, which hands it on when it is due. The server
 * sees one source address for each address of the browser. Needs no privileges.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { DelayLine, type Lateness } from './delay-line.ts';
import { Path, type Fate, type PathPlan } from './path.ts';

export interface RelayOptions {
  /** Towards the browser. */
  forward: PathPlan;
  /** Towards the server. */
  backward: PathPlan;
  server: Address;
  clock?: Clock;
  /** Told of every datagram that enters the forward path. @param atUs on the scenario's clock, negative before it runs */
  onForward?: (sizeBytes: number, atUs: number, fate: Fate) => void;
}

export interface Address {
  address: string;
  port: number;
}

/** Datagrams of one direction by what became of them; `received` is the sum of the others and of those on the way. */
export interface RelayCounts {
  received: number;
  receivedBytes: number;
  delivered: number;
  deliveredBytes: number;
  /** Of those delivered: RTP, not RTCP, STUN or DTLS. */
  deliveredRtp: number;
  /** By chance. */
  lost: number;
  /** The queue of the path was full. */
  dropped: number;
  vanished: number;
  /** Beyond what the relay holds at once, or from more addresses than it serves. */
  overflowed: number;
}

/** 20 Mbps for six seconds in packets of 1200 bytes: more than any scenario keeps on the way, under 20 MB. */
const ON_THE_WAY_MAX = 12_500;
/** A browser tries a path from each of its interfaces; more than that is no browser. */
const CLIENTS_MAX = 16;
const SOCKET_BUFFER_BYTES = 1 << 20;
/** The scenario's clock reads this much less than nothing until media flows: before every step, span and bin. */
const BEFORE_US = 1e12;

/** Of a direction before anything has come. */
export const noCounts = (): RelayCounts => ({
  received: 0,
  receivedBytes: 0,
  delivered: 0,
  deliveredBytes: 0,
  deliveredRtp: 0,
  lost: 0,
  dropped: 0,
  vanished: 0,
  overflowed: 0,
});

interface Direction {
  path: Path;
  line: DelayLine;
  counts: RelayCounts;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #clock: Clock;
  readonly #front: Socket;
  readonly #upstreams = new Map<string, Socket>();
  readonly #forward: Direction;
  readonly #backward: Direction;
  readonly #begun = Promise.withResolvers<void>();
  #originUs: number | undefined;
  #closed = false;

  private constructor(options: RelayOptions, front: Socket) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#front = front;
    const direction = (plan: PathPlan): Direction => ({
      path: new Path(plan),
      line: new DelayLine({ clock: this.#clock, capacity: ON_THE_WAY_MAX }),
      counts: noCounts(),
    });
    this.#forward = direction(options.forward);
    this.#backward = direction(options.backward);
    front.on('message', (datagram, from) => this.#onClient(datagram, from));
    front.on('error', () => {});
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(options: RelayOptions): Promise<Relay> {
    const front = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES });
    const relay = new Relay(options, front);
    front.bind(0, '127.0.0.1');
    await once(front, 'listening');
    return relay;
  }

  /** Where the browser sends to. */
  get address(): Address {
    const { address, port } = this.#front.address();
    return { address, port };
  }

  /** Resolves with the first RTP packet from the server: time 0 of the scenario. Never when there is none. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get clients(): number {
    return this.#upstreams.size;
  }

  get counts(): { forward: RelayCounts; backward: RelayCounts } {
    return { forward: { ...this.#forward.counts }, backward: { ...this.#backward.counts } };
  }

  get lateness(): { forward: Lateness; backward: Lateness } {
    return { forward: this.#forward.line.lateness, backward: this.#backward.line.lateness };
  }

  /** On the way now, both directions. */
  get onTheWay(): number {
    return this.#forward.line.length + this.#backward.line.length;
  }

  /** Idempotent. What is on the way is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forward.line.close();
    this.#backward.line.close();
    const sockets = [this.#front, ...this.#upstreams.values()];
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #onClient(datagram: Buffer, from: RemoteInfo): void {
    const { server } = this.#options;
    const upstream = this.#upstreamOf(from);
    this.#send(this.#backward, datagram, upstream && (() => upstream.send(datagram, server.port, server.address)));
  }

  #onServer(datagram: Buffer, to: Address): void {
    if (this.#originUs === undefined && isRtp(datagram)) {
      this.#originUs = this.#clock.nowUs();
      this.#begun.resolve();
    }
    const atUs = this.#scenarioUs();
    const fate = this.#send(this.#forward, datagram, () => this.#front.send(datagram, to.port, to.address));
    if (fate) this.#options.onForward?.(datagram.length, atUs, fate);
  }

  #upstreamOf({ address, port }: RemoteInfo): Socket | undefined {
    const key = `${address}:${port}`;
    const known = this.#upstreams.get(key);
    if (known || this.#upstreams.size >= CLIENTS_MAX) return known;
    const upstream = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES });
    upstream.on('message', (datagram, from) => {
      const { server } = this.#options;
      if (from.port === server.port && from.address === server.address) this.#onServer(datagram, { address, port });
    });
    upstream.on('error', () => {});
    this.#upstreams.set(key, upstream);
    return upstream;
  }

  /** @returns undefined when it never came to the path. */
  #send({ path, line, counts }: Direction, datagram: Buffer, deliver: (() => void) | undefined): Fate | undefined {
    counts.received++;
    counts.receivedBytes += datagram.length;
    if (!deliver || line.length >= ON_THE_WAY_MAX) {
      counts.overflowed++;
      return undefined;
    }
    const nowUs = this.#clock.nowUs();
    const atUs = this.#scenarioUs(nowUs);
    const fate = path.send(datagram.length, atUs);
    if (fate.outcome !== 'delivered') {
      counts[fate.outcome]++;
      return fate;
    }
    line.push(nowUs + (fate.arrivalUs - atUs), () => {
      counts.delivered++;
      counts.deliveredBytes += datagram.length;
      if (isRtp(datagram)) counts.deliveredRtp++;
      deliver();
    });
    return fate;
  }

  #scenarioUs(nowUs = this.#clock.nowUs()): number {
    return nowUs - (this.#originUs ?? BEFORE_US);
  }
}

/** RFC 7983 section 7 for the first byte, RFC 5761 section 4 for the payload types that are RTCP's. */
function isRtp(datagram: Buffer): boolean {
  const [first = 0, second = 0] = datagram;
  const payloadType = second & 0x7f;
  return first >= 128 && first <= 191 && !(payloadType >= 64 && payloadType <= 95);
}
