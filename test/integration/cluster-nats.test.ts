/** Gateways and workers over a real NATS server: pictures, an outage, credentials, TLS. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Cluster, newNodeId } from '../../src/generation/cluster/cluster.ts';
import { connectNats, type NatsBus, type NatsSettings } from '../../src/generation/cluster/nats-bus.ts';
import { Subjects } from '../../src/generation/cluster/wire/subjects.ts';
import { Worker } from '../../src/generation/cluster/worker/worker.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import type { Generator } from '../../src/generation/generator.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { ResourceStack } from '../../src/lifetime/resource-stack.ts';
import { silentLog } from '../../src/log.ts';
import { JOB } from '../support/cluster-fixture.ts';
import { collect } from '../support/collect.ts';
import { NatsServer, natsServerPath } from '../support/nats-server.ts';

const { signal } = new AbortController();
const stack = new ResourceStack();
let server: NatsServer | undefined;

const connect = (settings: Partial<NatsSettings> = {}): Promise<NatsBus> =>
  connectNats({ settings: { url: server?.url ?? '', ...settings }, name: 'test', log: silentLog, waitMs: 0 });

async function addWorker(name: string, generator: Generator, bus?: NatsBus): Promise<Worker> {
  const worker = new Worker({
    bus: bus ?? stack.use(await connect()),
    subjects: new Subjects(name),
    clock: systemClock,
    log: silentLog,
    generator,
    scheduler: new Scheduler({ clock: systemClock }),
    settings: { id: newNodeId(), name: 'host', pack: 'pattern', jobsMax: 8 },
  });
  worker.ready();
  return stack.use(worker);
}

const cluster = async (name: string, bus?: NatsBus): Promise<Cluster> =>
  stack.use(new Cluster({ bus: bus ?? stack.use(await connect()), name, log: silentLog }));

beforeAll(async () => {
  if (natsServerPath !== undefined) server = await NatsServer.start();
});

afterAll(async () => {
  await stack.disposeAsync();
  await server?.[Symbol.asyncDispose]();
});

describe.skipIf(natsServerPath === undefined)('over NATS', () => {
  it.each([
    ['small', { widthPx: 64, heightPx: 64, fps: 12 }],
    ['of 1280x704, in forty chunks and more than one window', { widthPx: 1280, heightPx: 704, fps: 12 }],
  ])('slices %s arrive as they were made', async (size, options) => {
    const name = `pictures-${size.length}`;
    await addWorker(name, new PatternGenerator(options));
    const remote = await (await cluster(name)).generator({ waitMs: 60_000 });
    const far = await collect(remote.generate(JOB, { signal }));
    const near = await collect(new PatternGenerator(options).generate(JOB, { signal }));
    expect(far.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined']);
    expect(far.map(({ audio }) => audio)).toEqual(near.map(({ audio }) => audio));
    for (const [tier, rendition] of far.entries())
      for (const [frame, { data }] of rendition.frames.entries())
        expect(Buffer.compare(data, near[tier]?.frames[frame]?.data ?? Buffer.alloc(0))).toBe(0);
  });

  it('a worker that ends is known at once: nothing listens where it was', async () => {
    const bus = await connect();
    const generator = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 12 });
    const first = await addWorker('ends', generator, bus);
    const remote = await (await cluster('ends')).generator({ waitMs: 60_000 });
    await addWorker('ends', generator);
    expect(first.beat.state).toBe('ready');
    await bus[Symbol.asyncDispose]();
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, seed) => collect(remote.generate({ ...JOB, seed }, { signal }))),
    );
    expect(made.map(({ length }) => length)).toEqual([3, 3, 3, 3, 3, 3]);
  });
});

describe.skipIf(natsServerPath === undefined)('while NATS is away', () => {
  it.each(['is killed', 'stands still'])(
    'and %s: jobs fail with CLUSTER_DOWN, and go on by themselves',
    async (how) => {
      const name = how.replace(' ', '-');
      await addWorker(name, new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 12 }));
      const gateway = await cluster(name);
      const remote = await gateway.generator({ waitMs: 60_000 });
      const downs: string[] = [];
      gateway.bus.events.on('down', () => downs.push('down'));
      const ups = Promise.withResolvers<void>();
      gateway.bus.events.on('up', () => ups.resolve());
      if (how === 'is killed') await server?.kill();
      else server?.signal('SIGSTOP');
      const failed = await collect(remote.generate(JOB, { signal })).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: 'CLUSTER_DOWN', retryable: true });
      await expect.poll(() => downs).toEqual(['down']);
      if (how === 'is killed') await server?.up();
      else server?.signal('SIGCONT');
      await ups.promise;
      await expect
        .poll(async () => (await collect(remote.generate(JOB, { signal })).catch(() => [])).map(({ tier }) => tier))
        .toEqual(['draft', 'base', 'refined']);
    },
  );
});

describe.skipIf(natsServerPath === undefined)('a NATS server that does not let us in', () => {
  it('no server: CLUSTER_DOWN; no address: CONFIG_INVALID', async () => {
    await expect(connect({ url: 'nats://127.0.0.1:1' })).rejects.toMatchObject({ code: 'CLUSTER_DOWN' });
    await expect(connect({ url: 'http://127.0.0.1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(connect({ credentials: '/nowhere.creds' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('wrong password: CLUSTER_REFUSED, without the password', async () => {
    await using guarded = await NatsServer.start({
      configuration: 'authorization { user: "glimpse", password: "swordfish" }',
    });
    const at = (password: string): string => guarded.url.replace('//', `//glimpse:${password}@`);
    const error = await connect({ url: at('marlin') }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CLUSTER_REFUSED', retryable: false });
    expect(JSON.stringify([String(error), error])).not.toContain('marlin');
    await using bus = await connect({ url: at('swordfish') });
    expect(bus.connected).toBe(true);
  });

  it('TLS: with the authority and a certificate of its own, or not at all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nats-tls-'));
    const file = (name: string): string => join(folder, name);
    try {
      // prettier-ignore
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key'),
        '-out', file('cert'), '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
      await writeFile(file('none'), '');
      await using secure = await NatsServer.start({
        configuration: `tls { cert_file: "${file('cert')}", key_file: "${file('key')}", ca_file: "${file('cert')}", verify: true }`,
      });
      const url = secure.url.replace('nats:', 'tls:');
      await using bus = await connect({ url, ca: file('cert'), cert: file('cert'), key: file('key') });
      expect(bus.connected).toBe(true);
      await expect(connect({ url })).rejects.toMatchObject({ code: 'CLUSTER_REFUSED' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
