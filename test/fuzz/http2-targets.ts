/**
 * HTTP/2 as strangers speak it, at the service's own listener: bodies of every route that reads one, cut into frames and
 * broken off anywhere; and frames that are none. Answers have a code that is no INTERNAL, and nothing throws.
 */
import { connect, type ClientHttp2Session } from 'node:http2';
import { duplexPair } from 'node:stream';
import { Clips } from '../../src/clips/clip-library.ts';
import { silentLog } from '../../src/log.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { httpApp } from '../../signaling/http/http.ts';
import { listen, type Listener } from '../../signaling/listen/listener.ts';
import { temporaryCertificate } from '../../bench/support/wire/certificate.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { openGate } from '../support/gate.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { texts, type FuzzTarget } from './target.ts';

/** Each with the type it wants; the first byte of an input chooses. */
const ROUTES = [
  ['/whep?prompt=sea', 'application/sdp'],
  ['/v1/clips', 'application/json'],
  ['/v1/sessions/session-1/control', 'application/json'],
  ['/whep/session-1', 'application/trickle-ice-sdpfrag'],
] as const;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** What a session does with its last bytes, it does by then. */
const SETTLE_TURNS = 4;

class Http2Server {
  readonly registry = new FakeRegistry();
  readonly #stack = new AsyncDisposableStack();
  #listener: Promise<Listener> | undefined;

  open(): Promise<Listener> {
    this.#listener ??= this.#start();
    return this.#listener;
  }

  async close(): Promise<void> {
    await this.#listener;
    await this.#stack.disposeAsync();
    this.#listener = undefined;
  }

  async #start(): Promise<Listener> {
    const certificate = this.#stack.use(await temporaryCertificate());
    const limits = { abuseScore: 0, creationsPerMinute: 1e9 };
    const clips = new Clips({ maxBytes: 1e6, slice: { frames: 8, fps: 12 }, make: () => Promise.resolve() });
    this.#stack.adopt(clips, (library) => library.close());
    const gate = openGate(this.registry, limits);
    this.#stack.adopt(gate.access, (access) => access.close());
    const metrics = new Metrics({ processMetrics: false });
    const readiness = () => ({ modelWarm: true, encoderAlive: true });
    const host = '127.0.0.1';
    const app = httpApp({
      gate,
      metrics,
      log: silentLog,
      iceServers: () => [],
      readiness,
      host,
      metricsHere: true,
      clips,
    });
    const listener = await listen({ fetch: app.fetch, host, port: 0, tls: certificate });
    this.#stack.adopt(listener, (open) => open.stop());
    return listener;
  }
}

export function http2Targets(): FuzzTarget[] {
  const bodies = new Http2Server();
  const frames = new Http2Server();
  let session: ClientHttp2Session | undefined;
  return [
    {
      name: 'http2-body',
      shortInputs: 400,
      seeds: [
        ...texts(`\0${offerSdp()}`, '\x01{"prompt":"sea","seconds":2}', '\x02{"type":"pause","id":1}'),
        ...texts('\x03a=ice-ufrag:wxyz\r\na=ice-pwd:zyxwvutsrqponmlkjihgfedc\r\na=end-of-candidates\r\n'),
      ],
      run: async (input) => {
        const { url } = await bodies.open();
        if (!session || session.closed || session.destroyed) {
          session = connect(url, { rejectUnauthorized: false });
          session.on('error', () => {});
        }
        await post(session, input);
        for (const open of bodies.registry.sessions.values()) await open.close('the input is over');
      },
      close: async () => {
        session?.destroy();
        await bodies.close();
      },
    },
    {
      name: 'http2-frames',
      shortInputs: 1_000,
      seeds: [
        Buffer.concat([PREFACE, frame(4, 0, 0), frame(1, 5, 1, headers('/healthz'))]),
        Buffer.concat([
          PREFACE,
          frame(4, 0, 0),
          frame(1, 4, 1, headers('/v1/clips')),
          frame(0, 1, 1, Buffer.from('{}')),
        ]),
        Buffer.concat([
          PREFACE,
          frame(4, 0, 0),
          frame(1, 0, 3, headers('/')),
          frame(9, 4, 3),
          frame(3, 0, 3, Buffer.alloc(4)),
          frame(6, 0, 0, Buffer.alloc(8)),
          frame(8, 0, 0, Buffer.from([0, 0, 0, 1])),
        ]),
      ],
      run: async (input) => {
        const { server } = await frames.open();
        await speak(server, input);
      },
      close: () => frames.close(),
    },
  ];
}

/** In pieces whose sizes the input itself gives; one in eight is broken off before its end. */
async function post(session: ClientHttp2Session, input: Buffer): Promise<void> {
  const [path, type] = ROUTES[(input[0] ?? 0) % ROUTES.length] ?? ROUTES[0];
  const stream = session.request({
    ':method': path.includes('whep/') ? 'PATCH' : 'POST',
    ':path': path,
    'content-type': type,
    'if-match': '*',
  });
  let status = 0;
  let text = '';
  stream.on('response', (answer) => (status = answer[':status'] ?? 0));
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<void>((resolve) => void stream.on('close', resolve).on('error', () => {}));
  const breaksOff = (input[1] ?? 0) % 8 === 7;
  for (let at = 1; at < input.length;) {
    const size = 1 + (input[at] ?? 0) * 64;
    stream.write(input.subarray(at, at + size));
    at += size;
  }
  if (breaksOff) stream.close(8);
  else stream.end();
  await ended;
  if (text.includes('"INTERNAL"') || (status >= 500 && status !== 503))
    throw new Error(`${path} answers ${status}: ${text}`);
  if (!breaksOff && status === 0) throw new Error(`${path} is not answered`);
}

/** One connection's bytes, as if TLS had inputs them. */
async function speak(server: Listener['server'], bytes: Buffer): Promise<void> {
  const [client, served] = duplexPair();
  client.on('error', () => {}).resume();
  served.on('error', () => {});
  server.emit(
    'secureConnection',
    Object.assign(served, { alpnProtocol: 'h2', encrypted: true, remoteAddress: '127.0.0.1' }),
  );
  client.write(bytes);
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
  served.destroy();
}

/** RFC 9113, 4.1. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK without a table (RFC 7541, 6.2.2): POST, https, a path, an authority. */
function headers(path: string): Buffer {
  const literal = (index: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([index, value.length]), Buffer.from(value, 'latin1')]);
  return Buffer.concat([Buffer.from([0x83, 0x87]), literal(4, path), literal(1, 'localhost')]);
}
