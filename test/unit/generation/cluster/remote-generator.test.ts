import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { GlimpseError, type ErrorCode } from '../../../../src/errors.ts';
import { decodeMessage, encodeMessage } from '../../../../src/generation/cluster/wire/envelope.ts';
import { toGatewaySchema, toWorkerSchema, type ToGateway } from '../../../../src/generation/cluster/wire/messages.ts';
import type { Rendition } from '../../../../src/generation/generator.ts';
import { ClusterFixture, dueIn, JOB, type FixtureWorker } from '../../../support/cluster-fixture.ts';
import { collect } from '../../../support/collect.ts';
import { CountingGenerator } from '../../../support/counting-generator.ts';

const { signal } = new AbortController();
const tiersOf = (renditions: readonly Rendition[]): string[] => renditions.map(({ tier }) => tier);
const madeBy = (workers: readonly FixtureWorker[]): string[] => workers.flatMap(({ generator }) => generator.made);

/** Blocks a generator before the tiers that follow, until it is opened. */
function closedGate({ generator }: FixtureWorker): { reached: Promise<void>; open: () => void } {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  generator.gate = () => {
    reached.resolve();
    return opened.promise;
  };
  return { reached: reached.promise, open: () => opened.resolve() };
}

/** The worker that has begun a job, and the others. */
function split({ workers }: ClusterFixture): { busy: FixtureWorker; others: FixtureWorker[] } {
  const busy = workers.find(({ generator }) => generator.jobs.length > 0);
  if (!busy) throw new Error('no worker has a job');
  return { busy, others: workers.filter((worker) => worker !== busy) };
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof GlimpseError ? error.code : undefined;
}

describe('a remote generator', () => {
  it('makes what the local one makes, byte for byte', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker();
    const remote = await fixture.generator();
    const job = { ...JOB, previous: Float32Array.from({ length: 32 }, (_, index) => index / 3), guidance: 2.5 };
    const far = await collect(remote.generate(job, { signal, urgency: dueIn(500) }));
    const near = await collect(new CountingGenerator().generate(job, { signal }));
    expect(far).toEqual(near);
    expect(remote.info).toEqual(new CountingGenerator().info);
    expect(await remote.read('a red ball')).toEqual({ unknownWords: [], fields: {} });
    expect(await remote.embed?.('a red ball')).toEqual(await new CountingGenerator().embed('a red ball'));
  });

  it('is as lazy as a local one: a tier is computed when it is pulled', async () => {
    await using fixture = new ClusterFixture();
    const { generator } = fixture.addWorker();
    const remote = await fixture.generator();
    const renditions = remote.generate(JOB, { signal });
    await renditions.next();
    expect(generator.made).toEqual(['0:draft']);
    await renditions.next();
    expect(generator.made).toEqual(['0:draft', '0:base']);
    await renditions.return();
  });

  it('chooses the fast variant for each pull, as a local one does', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker({ generator: new CountingGenerator({ hasFast: true }) });
    const remote = await fixture.generator();
    const made = await collect(remote.generate(JOB, { signal, variant: () => 'fast' }));
    expect(made.map(({ tier, variant }) => `${tier} ${variant ?? 'full'}`)).toEqual([
      'draft full',
      'base full',
      'refined fast',
      'refined full',
    ]);
  });

  it('sends an upload once to each worker', async () => {
    await using fixture = new ClusterFixture();
    const { generator } = fixture.addWorker();
    const remote = await fixture.generator();
    const data = new Uint8Array(600_000).fill(7);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const input = { kind: 'image', mediaType: 'image/png', sha256, data } as const;
    await collect(remote.generate({ ...JOB, input }, { signal }));
    const before = fixture.nats.messages;
    let inputs = 0;
    fixture.nats.passes = (subject, bytes) => {
      if (subject.includes('.worker.') && decodeMessage(bytes, toWorkerSchema).header.type === 'input') inputs += 1;
      return true;
    };
    await collect(remote.generate({ ...JOB, slice: 1, input }, { signal }));
    expect(fixture.nats.messages).toBeGreaterThan(before);
    expect(inputs).toBe(0);
    expect(generator.jobs.map((job) => job.input?.data.length)).toEqual([600_000, 600_000]);
    await expect(
      collect(remote.generate({ ...JOB, slice: 2, input: { ...input, sha256: 'a'.repeat(64) } }, { signal })),
    ).rejects.toMatchObject({ code: 'CLUSTER_PROTOCOL' });
  });
});

describe('when a worker fails', () => {
  it.each(['dies', 'stands still'] as const)('it %s: another goes on from the last finished tier', async (how) => {
    await using fixture = new ClusterFixture();
    fixture.addWorker();
    fixture.addWorker();
    const remote = await fixture.generator();
    const renditions = remote.generate(JOB, { signal });
    const made = [await renditions.next(), await renditions.next()].map(({ value }) => value as Rendition);
    const { busy, others } = split(fixture);
    const gate = closedGate(busy);
    const rest = collect(renditions);
    await gate.reached;
    if (how === 'dies') busy.bus.die();
    else busy.bus.stopped = true;
    made.push(...(await rest));
    gate.open();
    expect(tiersOf(made)).toEqual(['draft', 'base', 'refined']);
    expect(others[0]?.generator.jobs[0]).toMatchObject({ startAtTier: 'refined', start: { strength: 0 } });
    // Nothing finished is computed twice.
    expect(others[0]?.generator.made).toEqual(['0:refined']);
    expect(others[0]?.generator.denoiseSteps).toBe(0);
    const near = await collect(new CountingGenerator().generate(JOB, { signal }));
    expect(made.map(({ frames }) => frames)).toEqual(near.map(({ frames }) => frames));
    expect(fixture.events).toContain('failover');
  });

  it('its generator fails: another worker is asked once, and what cannot be retried is not', async () => {
    await using fixture = new ClusterFixture();
    const workers = [fixture.addWorker(), fixture.addWorker(), fixture.addWorker()];
    const remote = await fixture.generator();
    for (const { generator } of workers) generator.fault = () => new GlimpseError('GENERATOR_DOWN');
    expect(await codeOf(collect(remote.generate(JOB, { signal })))).toBe('GENERATOR_DOWN');
    expect(workers.flatMap(({ generator }) => generator.jobs)).toHaveLength(2);
    for (const { generator } of workers) generator.fault = () => new GlimpseError('MODEL_INVALID');
    expect(await codeOf(collect(remote.generate(JOB, { signal })))).toBe('MODEL_INVALID');
    expect(workers.flatMap(({ generator }) => generator.jobs)).toHaveLength(3);
  });

  it('it drains: it finishes what it was asked for, and another makes the rest', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker();
    fixture.addWorker();
    const remote = await fixture.generator();
    const renditions = remote.generate(JOB, { signal });
    const first = await renditions.next();
    const { busy } = split(fixture);
    const gate = closedGate(busy);
    const second = renditions.next();
    await gate.reached;
    const drained = busy.worker.drain();
    gate.open();
    const made = [first.value, (await second).value, ...(await collect(renditions))] as Rendition[];
    await drained;
    expect(tiersOf(made)).toEqual(['draft', 'base', 'refined']);
    expect(madeBy(fixture.workers).toSorted()).toEqual(['0:base', '0:draft', '0:refined']);
  });

  it('the network is away: the job waits, and goes on by itself', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker();
    const remote = await fixture.generator();
    const renditions = remote.generate(JOB, { signal });
    await renditions.next();
    fixture.nats.cut();
    const rest = collect(renditions);
    fixture.nats.mend();
    expect(tiersOf(await rest)).toEqual(['base', 'refined']);
  });

  it('there is none: the job is told CLUSTER_DOWN, and may be asked for again', async () => {
    await using fixture = new ClusterFixture();
    const { bus } = fixture.addWorker();
    const remote = await fixture.generator();
    bus.die();
    const failed = await collect(remote.generate(JOB, { signal })).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'CLUSTER_DOWN', retryable: true, retryAfterMs: 1_000 });
    fixture.addWorker();
    expect(tiersOf(await collect(remote.generate(JOB, { signal })))).toEqual(['draft', 'base', 'refined']);
  });
});

type Lie = (message: ToGateway, bytes: Uint8Array) => readonly (readonly [object, Uint8Array?])[];

describe('a worker that cannot be trusted', () => {
  /** Changes what the first worker with a job sends back; the others are honest. */
  async function withLiar(lie: Lie): Promise<{ fixture: ClusterFixture; made: Rendition[] }> {
    const fixture = new ClusterFixture();
    fixture.addWorker();
    fixture.addWorker();
    const remote = await fixture.generator();
    let liar: string | undefined;
    let lying = false;
    fixture.nats.passes = (subject, data) => {
      if (lying || !subject.includes('.gateway.') || data.length === 0) return true;
      const { header, bytes } = decodeMessage(data, toGatewaySchema);
      liar ??= header.job;
      if (header.job !== liar) return true;
      lying = true;
      for (const [changed, other] of lie(header, bytes))
        fixture.nats.send(subject, encodeMessage(changed, [other ?? bytes]));
      lying = false;
      return false;
    };
    const made = await collect(remote.generate(JOB, { signal }));
    return { fixture, made };
  }

  const changed =
    (change: object): Lie =>
    (message) =>
      message.type === 'rendition' ? [[{ ...message, ...change }]] : [[message]];

  it.each([
    ['another size', changed({ widthPx: 8_192, heightPx: 8_192 })],
    ['odd sizes', changed({ widthPx: 15 })],
    ['more frames', changed({ frames: 5 })],
    ['fewer frames', changed({ frames: 3 })],
    ['no frames', changed({ frames: 0 })],
    ['another tier', changed({ tier: 'upscaled' })],
    ['a variant it does not have', changed({ variant: 'fast' })],
    ['another revision', changed({ revision: 2 })],
    ['another slice', changed({ slice: 1 })],
    ['another pack', changed({ pack: 'other' })],
    ['another job', changed({ job: 'other' })],
    ['frames from the middle', changed({ firstFrame: 2, frames: 2 })],
    ['endless latents', changed({ latents: 1e9 })],
    ['a rendition twice', (message: ToGateway) => [[message], [message]]],
    ['more bytes than announced', (message: ToGateway, bytes: Uint8Array) => [[message], [message, bytes]]],
    [
      'endless reports',
      (message: ToGateway) =>
        Array.from({ length: 10_001 }, () => [{ type: 'progress', job: message.job, ratio: 0.5 }]),
    ],
    ['no message at all', () => [[{ type: 'nonsense' }]]],
    [
      'uploads that are not there',
      (message: ToGateway) => [[{ type: 'needs', job: message.job, sha256: 'a'.repeat(64) }]],
    ],
  ] as const)('is cut off for %s, and another makes the slice', async (_what, lie) => {
    const { fixture, made } = await withLiar(lie as Lie);
    await using _fixture = fixture;
    expect(tiersOf(made)).toEqual(['draft', 'base', 'refined']);
    const near = await collect(new CountingGenerator().generate(JOB, { signal }));
    expect(made).toEqual(near);
    expect(fixture.events).toContain('cut_off');
  });

  it('is cut off for latents that are no numbers', async () => {
    const { fixture, made } = await withLiar((message, bytes) =>
      message.type === 'chunk' ? [[message, new Uint8Array(bytes.length).fill(0xff)]] : [[message]],
    );
    await using _fixture = fixture;
    expect(fixture.events).toContain('cut_off');
    expect(tiersOf(made)).toEqual(['draft', 'base', 'refined']);
  });

  it('is cut off when the rest of a rendition never comes, or nothing at all', async () => {
    for (const silent of ['chunk', 'rendition']) {
      await using fixture = new ClusterFixture();
      fixture.addWorker();
      fixture.addWorker();
      const remote = await fixture.generator();
      const lost = Promise.withResolvers<string>();
      let liar: string | undefined;
      fixture.nats.passes = (subject, data) => {
        if (!subject.includes('.gateway.') || data.length === 0) return true;
        const { header } = decodeMessage(data, toGatewaySchema);
        if (header.job !== (liar ?? header.job) || header.type === 'end') return true;
        liar = header.job;
        const passes = silent === 'chunk' && header.type !== 'chunk';
        if (!passes) lost.resolve(header.job);
        return passes;
      };
      const made = collect(remote.generate(JOB, { signal }));
      await lost.promise;
      // Of what has begun to arrive the rest is due at once; of what is computed, only some time.
      fixture.skippedUs += silent === 'chunk' ? 6_000_000 : 121_000_000;
      expect(tiersOf(await made)).toEqual(['draft', 'base', 'refined']);
      expect(fixture.events).toContain('cut_off');
    }
  });

  it('is left out while there is another', async () => {
    const { fixture } = await withLiar(changed({ frames: 5 }));
    await using _fixture = fixture;
    const made = fixture.workers.map(({ generator }) => generator.made.join(' '));
    expect(made.toSorted()).toEqual(['0:draft', '0:draft 0:base 0:refined']);
  });
});

describe('a slow answer', () => {
  it('is asked of a second worker once, when it is due', async () => {
    await using fixture = new ClusterFixture();
    const workers = [fixture.addWorker(), fixture.addWorker(), fixture.addWorker()];
    const remote = await fixture.generator();
    // What a tier costs must be known before anything can be called slow.
    for (const { generator } of workers) generator.gate = async () => {};
    for (let slice = 0; slice < 12; slice++)
      await collect(remote.generate({ ...JOB, slice, seed: slice }, { signal, urgency: dueIn(100) }));
    expect(workers.map(({ generator }) => generator.made.length > 0)).toEqual([true, true, true]);
    const blocked = workers.map(closedGate);
    const renditions = collect(
      remote.generate({ ...JOB, slice: 99, stopAtTier: 'draft' }, { signal, urgency: dueIn(100) }),
    );
    await Promise.any(blocked.map(({ reached }) => reached));
    const begun = (): number =>
      workers.filter(({ generator }) => generator.jobs.some(({ slice }) => slice === 99)).length;
    await expect.poll(begun).toBe(2);
    for (const { open } of blocked) open();
    expect(tiersOf(await renditions)).toEqual(['draft']);
    expect(begun()).toBe(2);
    expect(fixture.events.filter((event) => event === 'hedged')).toHaveLength(1);
  });
});

describe('giving up', () => {
  it('stops the work at the worker', async () => {
    await using fixture = new ClusterFixture();
    const worker = fixture.addWorker();
    const remote = await fixture.generator();
    const gate = closedGate(worker);
    const abort = new AbortController();
    const work = collect(remote.generate(JOB, { signal: abort.signal }));
    await gate.reached;
    abort.abort();
    expect(await codeOf(work)).toBe('ABORTED');
    gate.open();
    await expect.poll(() => worker.worker.beat.jobs).toBe(0);
    expect(worker.generator.made).toEqual([]);
  });

  it('a gateway that dies leaves no job and no lease', async () => {
    await using fixture = new ClusterFixture();
    const worker = fixture.addWorker();
    const remote = await fixture.generator();
    const renditions = remote.generate(JOB, { signal });
    await renditions.next();
    expect(worker.worker.beat).toMatchObject({ jobs: 1, leases: 1 });
    fixture.nats.buses.at(-1)?.die();
    await expect.poll(() => worker.worker.beat.jobs).toBe(0);
    await expect.poll(() => worker.worker.beat.leases).toBe(0);
  });

  it('goes on elsewhere when the worker gave a job up, or never got it', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker();
    fixture.addWorker();
    const remote = await fixture.generator();
    let lost = 0;
    fixture.nats.passes = (subject, data) => {
      const isOpen = subject.includes('.worker.') && decodeMessage(data, toWorkerSchema).header.type === 'open';
      return !isOpen || ++lost > 1;
    };
    expect(tiersOf(await collect(remote.generate(JOB, { signal })))).toEqual(['draft', 'base', 'refined']);
    expect(fixture.events).toContain('failover');
  });

  it('ends a job whose cancellation was lost', async () => {
    await using fixture = new ClusterFixture();
    const worker = fixture.addWorker();
    const remote = await fixture.generator();
    const [first, second] = [remote.generate(JOB, { signal }), remote.generate({ ...JOB, slice: 1 }, { signal })];
    await first.next();
    await second.next();
    fixture.nats.passes = (subject, data) =>
      !subject.includes('.worker.') || decodeMessage(data, toWorkerSchema).header.type !== 'cancel';
    await first.return();
    await expect.poll(() => worker.worker.beat.jobs).toBe(1);
    fixture.nats.passes = () => true;
    await second.return();
  });
});

describe('workers of another kind', () => {
  it('are not asked: another pack, another version', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker({ pack: 'other' });
    await expect(fixture.generator('pack')).rejects.toMatchObject({
      code: 'CLUSTER_DOWN',
      details: { packs: ['other'] },
    });
  });

  it('of one version more are asked, of two are not', async () => {
    await using fixture = new ClusterFixture();
    fixture.addWorker();
    const raise = (by: number): void => {
      fixture.nats.passes = (_subject, data) => {
        if (data.length > 0 && data[0] === 1) data[0] = 1 + by;
        return true;
      };
    };
    raise(1);
    const remote = await fixture.generator();
    expect(tiersOf(await collect(remote.generate(JOB, { signal })))).toHaveLength(3);
    raise(2);
    await expect(fixture.generator()).rejects.toMatchObject({ code: 'CLUSTER_DOWN' });
  });
});
