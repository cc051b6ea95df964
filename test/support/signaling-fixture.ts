/** A real signaling server on a free loopback port over a fake registry, and a client that waits for messages by type. */
import { WebSocket } from 'ws';
import { serverMessage } from '../../signaling/protocol.ts';
import type { ServerMessage } from '../../signaling/protocol.ts';
import { startSignaling } from '../../signaling/server.ts';
import type { SignalingOptions, SignalingServer } from '../../signaling/server.ts';
import { silentLog } from '../../src/log.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { FakeRegistry } from './fake-registry.ts';
import { offerSdp } from './offer-sdp.ts';

export interface SignalingFixture extends AsyncDisposable {
  registry: FakeRegistry;
  metrics: Metrics;
  server: SignalingServer;
  url: string;
  connect(options?: ConnectOptions): Promise<SignalClient>;
  /** Like `connect`, for a client that is not greeted. */
  dial(options?: ConnectOptions): SignalClient;
}

export interface ConnectOptions {
  autoPong?: boolean;
  /** As the SDK in a browser brings it. */
  token?: string;
  headers?: Record<string, string>;
}

export const GENERATOR_INFO = {
  name: 'fake',
  conditioning: 'anything',
  slice: { frames: 8, fps: 12 },
  tiers: [{ tier: 'draft', widthPx: 128, heightPx: 128 }],
  examples: ['a red ball'],
  progressive: true,
} as const;

export async function startFixture(options: Partial<SignalingOptions> = {}): Promise<SignalingFixture> {
  const registry = new FakeRegistry();
  const metrics = new Metrics({ processMetrics: false });
  const server = await startSignaling({
    registry,
    metrics,
    generatorInfo: GENERATOR_INFO,
    host: '127.0.0.1',
    port: 0,
    readiness: () => ({ modelWarm: true, encoderAlive: true }),
    log: silentLog,
    iceServers: () => [],
    ...options,
  });
  const clients: SignalClient[] = [];
  const dial = ({ autoPong = true, token, headers = {} }: ConnectOptions = {}): SignalClient => {
    const protocols = token === undefined ? [] : ['glimpse.v1', `glimpse.token.${token}`];
    const address = `${server.url.replace('http', 'ws')}/signal`;
    const client = new SignalClient(new WebSocket(address, protocols, { autoPong, headers }));
    clients.push(client);
    return client;
  };
  return {
    registry,
    metrics,
    server,
    url: server.url,
    dial,
    async connect(connecting) {
      const client = dial(connecting);
      await client.next('welcome');
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.socket.terminate();
      await server.close();
    },
  };
}

type Of<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;

export class SignalClient {
  readonly socket: WebSocket;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** Everything received, checked against the protocol, in order. */
  readonly received: ServerMessage[] = [];
  #unread: ServerMessage[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => void socket.on('close', (code) => resolve(code)));
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => {
      const message = serverMessage.parse(JSON.parse(data.toString()));
      this.received.push(message);
      this.#unread.push(message);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next unread message of that type; skips others. */
  async next<Type extends ServerMessage['type']>(type: Type): Promise<Of<Type>> {
    for (;;) {
      const index = this.#unread.findIndex((message) => message.type === type);
      const [found] = index === -1 ? [] : this.#unread.splice(0, index + 1).slice(-1);
      if (found) return found as Of<Type>;
      await this.#wake.promise;
    }
  }

  /** Sends an offer and waits until it is accepted. */
  async offer(request: object = { prompt: 'a red ball' }, sdp: string = offerSdp()): Promise<Of<'answer'>> {
    this.send({ type: 'offer', sdp, request });
    const answer = await this.next('answer');
    await this.next('accepted');
    return answer;
  }
}
