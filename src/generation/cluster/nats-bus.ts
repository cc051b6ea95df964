/** The connection to NATS. Reconnects for ever; a lost connection is noticed within three seconds. */
import {
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { readFile } from 'node:fs/promises';
import { sleep, systemClock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { Emitter } from '../../events.ts';
import type { Log } from '../../log.ts';
import type { Bus, BusEvents, BusMessage } from './bus.ts';

export interface NatsSettings {
  /** `nats://host:4222`, `tls://...`; several with commas. User and password may be in it. */
  url: string;
  /** File with a user's JWT and seed (`.creds`). */
  credentials?: string | undefined;
  /** Files (PEM): the authority of the server's certificate, and this node's own certificate and key. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 250;
const PING_MS = 1_000;
const FIRST_RETRY_MS = 500;

export interface ConnectOptions {
  settings: NatsSettings;
  /** Shown by NATS's own tools. */
  name: string;
  log: Log;
  /** How long to wait for a server that is not up yet, ms. */
  waitMs: number;
  signal?: AbortSignal | undefined;
}

/** @throws GlimpseError CLUSTER_DOWN if no server answers in time; CLUSTER_REFUSED for wrong credentials or TLS files */
export async function connectNats({ settings, name, log, waitMs, signal }: ConnectOptions): Promise<NatsBus> {
  const options = await optionsOf(settings, name);
  for (let waitedMs = 0; ; waitedMs += FIRST_RETRY_MS) {
    try {
      return new NatsBus(await connect(options), log);
    } catch (cause) {
      if (isRefusal(cause)) throw new GlimpseError('CLUSTER_REFUSED', { message: refusalText(settings), cause });
      if (waitedMs >= waitMs || signal?.aborted)
        throw new GlimpseError('CLUSTER_DOWN', { message: `No NATS server answers at ${shown(settings)}.`, cause });
      await sleep(systemClock, FIRST_RETRY_MS, signal);
    }
  }
}

async function optionsOf(
  { url, credentials, ca, cert, key }: NatsSettings,
  name: string,
): Promise<NodeConnectionOptions> {
  const { servers, user, pass } = serversOf(url);
  const authenticator =
    credentials === undefined ? undefined : credsAuthenticator(await read(credentials, '--cluster-credentials'));
  const tls =
    ca === undefined && cert === undefined && key === undefined
      ? undefined
      : { caFile: ca, certFile: cert, keyFile: key };
  for (const [option, path] of Object.entries({ '--cluster-ca': ca, '--cluster-cert': cert, '--cluster-key': key }))
    if (path !== undefined) await read(path, option);
  return {
    servers,
    name,
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // Credentials that are rotated are wrong for a moment.
    ignoreAuthErrorAbort: true,
    ...(authenticator ? { authenticator } : {}),
    ...(user === undefined ? {} : { user, pass: pass ?? '' }),
    ...(tls ? { tls: Object.fromEntries(Object.entries(tls).filter(([, path]) => path !== undefined)) } : {}),
  };
}

async function read(path: string, option: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new GlimpseError('CONFIG_INVALID', { message: `${option}: cannot read ${path}`, cause });
  }
}

/** @throws GlimpseError CONFIG_INVALID for what is no address of a NATS server */
function serversOf(url: string): { servers: string[]; user: string | undefined; pass: string | undefined } {
  const urls = url.split(',').map((text) => {
    const parsed = URL.parse(text.trim().includes('://') ? text.trim() : `nats://${text.trim()}`);
    if (parsed?.hostname && /^(nats|tls):$/.test(parsed.protocol)) return parsed;
    throw new GlimpseError('CONFIG_INVALID', { message: '--cluster needs nats://HOST:PORT, several with commas' });
  });
  const servers = urls.map(
    ({ protocol, hostname, port }) => `${protocol === 'tls:' ? 'tls://' : ''}${hostname}:${port || '4222'}`,
  );
  const [first] = urls;
  const user = first?.username ? decodeURIComponent(first.username) : undefined;
  return { servers, user, pass: first?.password ? decodeURIComponent(first.password) : undefined };
}

/** The addresses without passwords. */
const shown = ({ url }: NatsSettings): string => serversOf(url).servers.join(', ');

/** Wrong credentials, or a certificate that one side does not trust: waiting changes neither. */
function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError)
      return true;
    const code = 'code' in cause ? String(cause.code) : '';
    if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return true;
  }
  return false;
}

const refusalText = (settings: NatsSettings): string =>
  `The NATS server at ${shown(settings)} refuses the credentials or the certificate of this node.`;

export class NatsBus implements Bus {
  readonly events = new Emitter<BusEvents>();
  readonly #connection: NatsConnection;
  readonly #log: Log;
  #connected = true;

  constructor(connection: NatsConnection, log: Log) {
    this.#connection = connection;
    this.#log = log;
    void this.#watch().catch(() => {});
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** For what builds on the connection itself: JetStream, KV. */
  get connection(): NatsConnection {
    return this.#connection;
  }

  publish(subject: string, data: Uint8Array, reply?: string): void {
    if (!this.#connected) return;
    this.#connection.publish(subject, data, reply === undefined ? {} : { reply });
  }

  subscribe(subject: string, take: (message: BusMessage) => void): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        const undelivered = message.data.length === 0 && message.headers?.code === 503;
        take({
          subject: message.subject,
          data: message.data,
          undelivered,
          respond: (data) => void message.respond(data),
        });
      },
    });
    return () => subscription.unsubscribe();
  }

  async request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (!this.#connected) throw new GlimpseError('CLUSTER_DOWN');
    try {
      return (await this.#connection.request(subject, data, { timeout: timeoutMs })).data;
    } catch (cause) {
      throw new GlimpseError('CLUSTER_DOWN', { message: 'A node of the cluster does not answer.', cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connected = false;
    // Draining sends what waits; without a connection there is nothing to drain.
    await this.#connection.drain().catch(() => this.#connection.close());
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect' && this.#connected) {
        this.#connected = false;
        this.#log.warn({ server: status.server }, 'the connection to NATS is lost');
        this.events.emit('down');
      } else if (status.type === 'reconnect' && !this.#connected) {
        this.#connected = true;
        this.#log.info({ server: status.server }, 'the connection to NATS is back');
        this.events.emit('up');
      } else if (status.type === 'error') {
        this.#log.warn({ err: status.error }, 'NATS refused a request; check the permissions of this node');
      }
    }
  }
}
