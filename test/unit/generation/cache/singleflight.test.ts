/** Two sessions that want the same slice at the same moment, and caches in front of what a steering asks for. */
import { describe, expect, it } from 'vitest';
import { CachingGenerator } from '../../../../src/generation/cache/caching-generator.ts';
import { Singleflight } from '../../../../src/generation/cache/singleflight.ts';
import { LatentCache } from '../../../../src/generation/cache/latents.ts';
import { SegmentCache } from '../../../../src/generation/cache/segments.ts';
import type { Generator, Rendition, SliceJob } from '../../../../src/generation/generator.ts';
import { CountingGenerator, STEPS } from '../../../support/counting-generator.ts';

const JOB: SliceJob = { revision: 0, slice: 0, prompt: 'a red ball', seed: 7, startMs: 0, stopAtTier: 'refined' };

function cached() {
  const inner = new CountingGenerator();
  const generator = new CachingGenerator({
    generator: inner,
    identity: 'model-1',
    segments: new SegmentCache({ maxBytes: 1e6 }),
    latents: new LatentCache({ maxBytes: 1e6, maxDistance: 0.9 }),
    nearStrength: 0.25,
    nearSteps: 1,
  });
  return { inner, generator };
}

async function collect(generator: Generator, job: SliceJob, signal = new AbortController().signal) {
  const renditions: Rendition[] = [];
  for await (const rendition of generator.generate(job, { signal })) renditions.push(rendition);
  return renditions;
}

/** Holds every tier back until it is opened. */
function gated(inner: CountingGenerator): { open: () => void; asked: () => number } {
  const opened = Promise.withResolvers<void>();
  let asked = 0;
  inner.gate = () => {
    asked += 1;
    return opened.promise;
  };
  return { open: opened.resolve, asked: () => asked };
}

const best = (renditions: Rendition[]) => renditions.at(-1)?.frames;

describe('the same slice, wanted by several at once', () => {
  it('is made once, each tier of it, and all of them see the same pictures', async () => {
    const { inner, generator } = cached();
    const gate = gated(inner);
    const viewers = [0, 1, 2, 3, 4].map((revision) => collect(generator, { ...JOB, revision }));
    await expect.poll(gate.asked).toBe(1);
    gate.open();
    const seen = await Promise.all(viewers);
    expect(inner.made).toEqual(['0:draft', '0:base', '0:refined']);
    expect(inner.denoiseSteps).toBeLessThan(2 * STEPS);
    for (const [revision, renditions] of seen.entries()) {
      expect(best(renditions)).toEqual(best(seen[0] ?? []));
      expect(renditions.at(-1)).toMatchObject({ tier: 'refined', revision });
      // What the next slice continues from goes out once, whoever made it.
      expect(renditions.filter(({ tier, latents }) => tier !== 'draft' && latents)).toHaveLength(1);
    }
  });

  it('is made for the others by one of them when the one who makes it leaves', async () => {
    const { inner, generator } = cached();
    const gate = gated(inner);
    const leaving = new AbortController();
    const first = collect(generator, JOB, leaving.signal);
    await expect.poll(gate.asked).toBe(1);
    const others = [collect(generator, JOB), collect(generator, JOB)];
    leaving.abort();
    gate.open();
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
    for (const renditions of await Promise.all(others)) expect(renditions.at(-1)?.tier).toBe('refined');
    expect(inner.made).toEqual(['0:draft', '0:base', '0:refined']);
  });

  it('goes on when one leaves who waited for it, and he is gone at once', async () => {
    const { inner, generator } = cached();
    const gate = gated(inner);
    const first = collect(generator, JOB);
    await expect.poll(gate.asked).toBe(1);
    const leaving = new AbortController();
    const waiting = collect(generator, JOB, leaving.signal);
    leaving.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    gate.open();
    expect(best(await first)).not.toHaveLength(0);
    expect(inner.jobs).toHaveLength(1);
  });

  it('is tried by the next when it fails for one', async () => {
    const { inner, generator } = cached();
    let failures = 1;
    inner.fault = () => (failures-- > 0 ? new Error('the worker died') : undefined);
    const [failed, made] = await Promise.allSettled([collect(generator, JOB), collect(generator, JOB)]);
    expect([failed?.status, made?.status]).toEqual(['rejected', 'fulfilled']);
  });

  it('leaves nothing behind in the books', async () => {
    const flights = new Singleflight();
    const { signal } = new AbortController();
    const first = await flights.take('a', signal);
    const second = flights.take('a', signal);
    const other = await flights.take('b', signal);
    expect([first.waited, other.waited, flights.size]).toEqual([false, false, 2]);
    first[Symbol.dispose]();
    const then = await second;
    first[Symbol.dispose]();
    expect([then.waited, flights.size]).toEqual([true, 2]);
    then[Symbol.dispose]();
    other[Symbol.dispose]();
    expect(flights.size).toBe(0);
  });
});

describe('a bend that a viewer asked for', () => {
  const bent = (strength: number, from = Float32Array.from({ length: 32 }, (_, index) => index / 32)): SliceJob => ({
    ...JOB,
    prompt: 'a red ball at night',
    mix: { towards: 'a blue ball', amount: 0.5, interpolation: 'linear' },
    start: { latents: from, strength },
  });

  it.each([0.25, 0.6, 1])('of strength %f shows what it would without a cache, first and again', async (strength) => {
    const plain = await collect(new CountingGenerator(), bent(strength));
    const { inner, generator } = cached();
    // Near in every way but the bend: none of it may get into the picture.
    await collect(generator, JOB);
    await collect(generator, { ...JOB, prompt: 'a red ball at night' });
    await collect(generator, bent(0.5));
    const jobs = inner.jobs.length;
    const first = await collect(generator, bent(strength));
    expect(inner.jobs.slice(jobs)).toMatchObject([{ start: { strength } }]);
    expect(first.map(({ tier, frames }) => [tier, frames])).toEqual(plain.map(({ tier, frames }) => [tier, frames]));
    expect(best(await collect(generator, bent(strength)))).toEqual(best(plain));
    expect(inner.jobs).toHaveLength(jobs + 1);
  });

  it('goes on from its own finished base, and from no other', async () => {
    const plain = await collect(new CountingGenerator(), bent(0.6));
    const { inner, generator } = cached();
    await collect(generator, { ...bent(0.6), stopAtTier: 'base' });
    const steps = inner.denoiseSteps;
    expect(best(await collect(generator, bent(0.6)))).toEqual(best(plain));
    expect(inner.denoiseSteps).toBe(steps);
    const other = await collect(generator, bent(0.6, new Float32Array(32)));
    expect(best(other)).not.toEqual(best(plain));
    expect(inner.denoiseSteps).toBeGreaterThan(steps);
  });
});
