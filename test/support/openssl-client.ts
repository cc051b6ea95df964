/** `openssl s_client` as a DTLS client with SRTP, and a session that it reaches through a relay with bad moods. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import {
  createDtlsCertificate,
  fingerprintOf,
  type DtlsCertificate,
} from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { DtlsSession } from '../../src/transport/peer/dtls/dtls-session.ts';
import type { SrtpMasterKeys } from '../../src/transport/peer/srtp/srtp-keys.ts';

/** What happens to one datagram: `late` lets the next one of its direction pass first. */
export type Mood = 'pass' | 'lose' | 'twice' | 'late';

export interface Moods {
  toServer: readonly Mood[];
  toClient: readonly Mood[];
}

export class OpensslClient implements AsyncDisposable {
  readonly session: DtlsSession;
  /** What `s_client` has printed. */
  output = '';
  /** Application data from it. */
  heard = '';
  keys: SrtpMasterKeys | undefined;
  closed = false;
  readonly #stack: AsyncDisposableStack;
  #write: (text: string) => void = () => {};
  #end: () => void = () => {};

  private constructor(stack: AsyncDisposableStack, session: DtlsSession) {
    this.#stack = stack;
    this.session = session;
    session.events.on('connected', (keys) => (this.keys = keys));
    session.events.on('data', (data) => (this.heard += data.toString()));
    session.events.on('closed', () => (this.closed = true));
  }

  /**
   * @param options of `s_client`, beside those every run has
   * @param moods of the first datagrams each way; those after them pass
   */
  static async start(options: readonly string[] = [], moods: Partial<Moods> = {}): Promise<OpensslClient> {
    await using stack = new AsyncDisposableStack();
    const own = createDtlsCertificate();
    const folder = await mkdtemp(join(tmpdir(), 'glimpse-dtls-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(files.cert, new X509Certificate(own.der).toString());
    await writeFile(files.key, own.privateKey.export({ type: 'pkcs8', format: 'pem' }));

    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    let clientPort = 0;
    let open = true;
    stack.defer(() => {
      open = false;
      socket.close();
    });
    const down = relay(moods.toClient, (datagram) => {
      if (open) socket.send(datagram, clientPort, '127.0.0.1');
    });
    const session = sessionFor(own, down);
    stack.defer(() => session.close());
    const up = relay(moods.toServer, (datagram) => void session.receive(datagram, systemClock.nowUs()));
    socket.on('message', (datagram, { port }) => {
      clientPort = port;
      up(datagram);
    });

    const srtp = 'SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80';
    const fixed = [
      '-dtls1_2',
      '-connect',
      `127.0.0.1:${socket.address().port}`,
      '-cert',
      files.cert,
      '-key',
      files.key,
    ];
    const exporter = ['-use_srtp', srtp, '-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', '56'];
    const child = spawn('openssl', ['s_client', ...fixed, ...exporter, ...options], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const exited = once(child, 'exit');
    stack.defer(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    child.stdin.on('error', () => {});
    const client = new OpensslClient(stack.move(), session);
    child.stdout.on('data', (text: Buffer) => (client.output += text.toString()));
    client.#write = (text) => void child.stdin.write(text);
    client.#end = () => void child.stdin.end();
    return client;
  }

  /** Both sides print or hold the same: client key, server key, client salt, server salt. */
  get exported(): string | undefined {
    return /Keying material: ([0-9A-F]+)/.exec(this.output)?.[1]?.toLowerCase();
  }

  send(text: string): void {
    this.#write(text);
  }

  /** Ends its input: it says close_notify and exits. */
  end(): void {
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function sessionFor(client: DtlsCertificate, send: (datagram: Buffer) => void): DtlsSession {
  const fingerprints = [{ hash: 'sha-256', value: fingerprintOf(client.der, 'sha-256') }] as const;
  return new DtlsSession({
    certificate: createDtlsCertificate(),
    fingerprints,
    send,
    onRefused: () => {},
    clock: systemClock,
  });
}

function relay(moods: readonly Mood[] | undefined, deliver: (datagram: Buffer) => void): (datagram: Buffer) => void {
  let count = 0;
  let held: Buffer | undefined;
  return (datagram) => {
    const mood = moods?.[count++] ?? 'pass';
    if (mood === 'late') {
      held = Buffer.from(datagram);
      return;
    }
    if (mood !== 'lose') deliver(datagram);
    if (mood === 'twice') deliver(datagram);
    if (held) deliver(held);
    held = undefined;
  };
}
