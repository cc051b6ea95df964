/**
 * Live streams of a cluster with everything in processes of its own, while workers are killed, frozen and drained, and
 * NATS is killed, at random points of a fixed seed. Every slice comes, byte for byte, and nothing that was finished is
 * computed twice.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/generation/cluster/cluster.ts';
import type { RemoteGenerator } from '../../src/generation/cluster/gateway/remote-generator.ts';
import { connectNats } from '../../src/generation/cluster/nats-bus.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { createRandom } from '../../src/generation/slices/noise.ts';
import { silentLog } from '../../src/log.ts';
import { JOB } from '../support/cluster-fixture.ts';
import { collect } from '../support/collect.ts';
import { CountingGenerator } from '../support/counting-generator.ts';
import { NatsServer, natsServerPath } from '../support/nats-server.ts';

const SEED = 11;
const CLUSTER = 'chaos';
const SCRIPT = join(import.meta.dirname, '../support/cluster-worker.ts');
const { signal } = new AbortController();

class Workers implements AsyncDisposable {
  readonly made: string[] = [];
  readonly #url: string;
  readonly #children = new Set<ChildProcess>();

  constructor(url: string) {
    this.#url = url;
  }

  get alive(): ChildProcess[] {
    return [...this.#children].filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  }

  async add(): Promise<ChildProcess> {
    const child = fork(SCRIPT, [this.#url, CLUSTER], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#children.add(child);
    const ready = Promise.withResolvers<void>();
    child.on('message', (message: { made?: string }) => {
      if (message.made === undefined) ready.resolve();
      else this.made.push(message.made);
    });
    child.once('exit', () => ready.reject(new Error('a worker ended')));
    await ready.promise;
    return child;
  }

  async kill(child: ChildProcess): Promise<void> {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.alive.map((child) => this.kill(child)));
  }
}

/** Makes one slice after the other, as a live stream does: each continues from the last one's latents. */
class LiveStream {
  readonly slices: Rendition[][] = [];
  /** For each failure: the slice it fell on, with the tiers that were finished. */
  readonly failures: { slice: number; finished: readonly string[] }[] = [];
  readonly #remote: RemoteGenerator;
  readonly #job: SliceJob;
  #stopped = false;
  readonly done: Promise<void>;

  constructor(remote: RemoteGenerator, seed: number) {
    this.#remote = remote;
    this.#job = { ...JOB, seed };
    this.done = this.#run();
    this.done.catch(() => {});
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.done;
  }

  jobOf(slice: number): SliceJob {
    const previous = this.slices[slice - 1]?.findLast(({ latents }) => latents)?.latents;
    return { ...this.#job, slice, ...(previous ? { previous } : {}) };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const slice = this.slices.length;
      const made: Rendition[] = [];
      const note = (): void => void this.failures.push({ slice, finished: made.map(({ tier }) => tier) });
      // A session goes on from what it has, as its revision does.
      while (made.length < 3) {
        const startAtTier = (['draft', 'base', 'refined'] as const)[made.length]!;
        const finished = made.find(({ tier }) => tier === 'base')?.latents;
        const start = finished ? { start: { latents: finished, strength: 0 } } : {};
        try {
          const job = { ...this.jobOf(slice), startAtTier, ...start };
          for await (const rendition of this.#remote.generate(job, { signal, onRetry: note })) made.push(rendition);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CLUSTER_DOWN', retryable: true });
          note();
        }
      }
      this.slices.push(made);
    }
  }
}

async function expectRight(streams: readonly LiveStream[], made: readonly string[]): Promise<void> {
  const allowed = new Map<string, number>();
  for (const stream of streams)
    for (const [slice, tiers] of stream.slices.entries()) {
      const job = stream.jobOf(slice);
      const near = await collect(new CountingGenerator().generate(job, { signal }));
      expect(tiers.map(({ tier, frames }) => ({ tier, frames }))).toEqual(
        near.map(({ tier, frames }) => ({ tier, frames })),
      );
      for (const { tier } of tiers) {
        const lost = stream.failures.filter((failure) => failure.slice === slice && !failure.finished.includes(tier));
        allowed.set(`${job.seed}/${slice}/${tier}`, 1 + lost.length);
      }
    }
  for (const [key, most] of allowed) {
    const count = made.filter((other) => other === key).length;
    expect([key, count >= 1, count <= most]).toEqual([key, true, true]);
  }
}

describe.skipIf(natsServerPath === undefined)('a cluster under attack', () => {
  it('loses no slice, and computes nothing finished twice', async () => {
    await using nats = await NatsServer.start();
    await using workers = new Workers(nats.url);
    await Promise.all([workers.add(), workers.add(), workers.add()]);
    const bus = await connectNats({ settings: { url: nats.url }, name: 'gateway', log: silentLog, waitMs: 60_000 });
    await using cluster = new Cluster({ bus, name: CLUSTER, log: silentLog });
    const remote = await cluster.generator({ waitMs: 60_000 });
    const streams = [1, 2, 3, 4].map((seed) => new LiveStream(remote, seed));
    const random = createRandom(SEED, 0);
    const frozen: ChildProcess[] = [];
    for (const attack of ['kill', 'freeze', 'kill', 'drain', 'nats', 'kill', 'freeze', 'nats'] as const) {
      await sleep(random.bits() % 300);
      const able = workers.alive.filter((child) => !frozen.includes(child));
      const victim = able[random.bits() % able.length];
      if (!victim) throw new Error('no worker is left');
      const before = streams.map(({ slices }) => slices.length);
      if (attack === 'kill') await workers.kill(victim);
      else if (attack === 'drain') {
        const exited = once(victim, 'exit');
        victim.send('drain');
        await exited;
      } else if (attack === 'freeze') {
        victim.kill('SIGSTOP');
        frozen.push(victim);
      } else {
        await nats.kill();
        await sleep(random.bits() % 300);
        await nats.up();
      }
      // All streams go on by themselves.
      for (const [index, stream] of streams.entries())
        await expect.poll(() => stream.slices.length).toBeGreaterThan((before[index] ?? 0) + 1);
      if (attack !== 'nats') await workers.add();
    }
    // What was frozen may speak again: its answers are of jobs that have ended.
    for (const child of frozen) child.kill('SIGCONT');
    const before = streams.map(({ slices }) => slices.length);
    for (const [index, stream] of streams.entries())
      await expect.poll(() => stream.slices.length).toBeGreaterThan((before[index] ?? 0) + 1);
    await Promise.all(streams.map((stream) => stream.stop()));
    expect(streams.some(({ failures }) => failures.length > 0)).toBe(true);
    await expectRight(streams, workers.made);
    expect(cluster.jobs.size).toBe(0);
  });
});
