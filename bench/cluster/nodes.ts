/** The processes of the bench: a NATS server on loopback, and workers that sleep. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findTool } from '../../scripts/tool-path.ts';
import { GlimpseError } from '../../src/errors.ts';
import { Cluster } from '../../src/generation/cluster/cluster.ts';
import { connectNats } from '../../src/generation/cluster/nats-bus.ts';
import { silentLog } from '../../src/log.ts';
import type { SleepingWorkerSettings } from './sleeping-worker.ts';

export interface WorkerProcess {
  id: string;
  child: ChildProcess;
}

export interface Traffic {
  messages: number;
  bytes: number;
}

export class Nodes implements AsyncDisposable {
  readonly url: string;
  readonly #monitor: string;
  readonly #server: ChildProcess;
  readonly #workers = new Set<ChildProcess>();

  private constructor(server: ChildProcess, port: number, monitorPort: number) {
    this.#server = server;
    this.url = `nats://127.0.0.1:${port}`;
    this.#monitor = `http://127.0.0.1:${monitorPort}/varz`;
  }

  /** @throws GlimpseError CONFIG_INVALID where there is no nats-server */
  static async start(): Promise<Nodes> {
    const path = findTool('nats-server');
    if (path === undefined)
      throw new GlimpseError('CONFIG_INVALID', {
        message: 'this needs nats-server (Debian: apt-get install nats-server)',
      });
    const [port, monitorPort] = [await freePort(), await freePort()];
    const server = spawn(path, ['-a', '127.0.0.1', '-p', String(port), '-m', String(monitorPort)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ready = Promise.withResolvers<void>();
    server.stderr.on('data', (text: Buffer) => text.includes('Server is ready') && ready.resolve());
    server.once('exit', () => ready.reject(new GlimpseError('INTERNAL', { message: 'nats-server ended' })));
    await ready.promise;
    return new Nodes(server, port, monitorPort);
  }

  async worker(cluster: string, { tierMs, sidePx }: { tierMs: number; sidePx: number }): Promise<WorkerProcess> {
    const script = join(import.meta.dirname, 'sleeping-worker.ts');
    const child = fork(script, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send({ url: this.url, cluster, tierMs, sidePx } satisfies SleepingWorkerSettings);
    this.#workers.add(child);
    const [{ id }] = (await once(child, 'message')) as [{ id: string }];
    return { id, child };
  }

  async gateway(name: string): Promise<Cluster> {
    const bus = await connectNats({
      settings: { url: this.url },
      name: 'bench gateway',
      log: silentLog,
      waitMs: 5_000,
    });
    return new Cluster({ bus, name, log: silentLog });
  }

  /** What clients have sent to the server so far. */
  async traffic(): Promise<Traffic> {
    const { in_msgs: messages, in_bytes: bytes } = (await (await fetch(this.#monitor)).json()) as {
      in_msgs: number;
      in_bytes: number;
    };
    return { messages, bytes };
  }

  async stopWorkers(): Promise<void> {
    await Promise.all([...this.#workers].map(ended));
    this.#workers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWorkers();
    await ended(this.#server);
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}
