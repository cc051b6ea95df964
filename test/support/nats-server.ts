/** A real nats-server on loopback, in a process and folder of its own; it can be stopped, frozen and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool } from '../../scripts/tool-path.ts';

export const natsServerPath = findTool('nats-server');

export interface NatsServerOptions {
  /** More lines of its configuration: users, TLS. */
  configuration?: string;
  /** Default true. */
  jetstream?: boolean;
}

export class NatsServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  /** @throws Error that says what to install */
  static async start({ configuration = '', jetstream = true }: NatsServerOptions = {}): Promise<NatsServer> {
    const folder = await mkdtemp(join(tmpdir(), 'nats-'));
    const server = new NatsServer(await freePort(), folder);
    const store = jetstream ? `jetstream { store_dir: "${join(folder, 'store')}" }\n` : '';
    await writeFile(join(folder, 'nats.conf'), `${store}${configuration}\n`);
    await server.up();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get log(): string {
    return this.#log;
  }

  /** Starts it again after `kill`, on the same port, with what it had stored. */
  async up(): Promise<void> {
    if (natsServerPath === undefined)
      throw new Error('no nats-server: run `node scripts/find-test-tools.ts --install`');
    const config = join(this.#folder, 'nats.conf');
    const child = spawn(natsServerPath, ['-a', '127.0.0.1', '-p', String(this.port), '-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    child.stderr.on('data', (text: Buffer) => {
      this.#log += text.toString();
      if (this.#log.includes('Server is ready')) ready.resolve();
    });
    child.once('exit', () => ready.reject(new Error(`nats-server ended:\n${this.#log}`)));
    await ready.promise;
    this.#log = '';
    await listening(this.port);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function listening(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}
