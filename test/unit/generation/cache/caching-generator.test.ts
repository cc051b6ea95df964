import { describe, expect, it } from 'vitest';
import { CachingGenerator } from '../../../../src/generation/cache/caching-generator.ts';
import { LatentCache } from '../../../../src/generation/cache/latents.ts';
import { SegmentCache } from '../../../../src/generation/cache/segments.ts';
import type { Rendition, SliceJob } from '../../../../src/generation/generator.ts';
import { CountingGenerator, STEPS } from '../../../support/counting-generator.ts';

const JOB: SliceJob = {
  revision: 0,
  slice: 0,
  prompt: 'a red ball on a meadow',
  seed: 7,
  startMs: 0,
  stopAtTier: 'refined',
};

function cached({ maxBytes = 1e6, maxDistance = 0, identity = 'model-1' } = {}) {
  const inner = new CountingGenerator();
  const segments = new SegmentCache({ maxBytes });
  const latents = new LatentCache({ maxBytes: 1e6, maxDistance });
  const generator = new CachingGenerator({
    generator: inner,
    identity,
    segments,
    latents,
    nearStrength: 0.25,
    nearSteps: 1,
  });
  return { inner, segments, latents, generator };
}

async function collect(generator: CachingGenerator, job: SliceJob, most = Infinity): Promise<Rendition[]> {
  const renditions: Rendition[] = [];
  for await (const rendition of generator.generate(job, { signal: new AbortController().signal })) {
    renditions.push(rendition);
    if (renditions.length >= most) break;
  }
  return renditions;
}
const tiers = (renditions: Rendition[]) => renditions.map(({ tier, cached }) => (cached ? `${tier} ${cached}` : tier));

describe('segments', () => {
  it('replays a slice made before at its best tier, computing nothing', async () => {
    const { inner, generator } = cached();
    const first = await collect(generator, JOB);
    const again = await collect(generator, { ...JOB, revision: 5 });
    expect(tiers(first)).toEqual(['draft', 'base', 'refined']);
    expect(tiers(again)).toEqual(['refined segment']);
    expect(again[0]).toMatchObject({ revision: 5, slice: 0, computeMs: 0, frames: first[2]?.frames });
    expect(inner.jobs).toHaveLength(1);
  });

  it('makes a slice again when its caches have been cleared', async () => {
    const { inner, generator } = cached({ maxDistance: 0.5 });
    await collect(generator, JOB);
    const held = () => generator.sources.map((source) => source.read().bytes);
    expect(Math.max(...held())).toBeGreaterThan(0);
    for (const source of generator.sources) source.clear?.();
    expect(held()).toEqual(held().map(() => 0));
    expect(tiers(await collect(generator, JOB))).toEqual(['draft', 'base', 'refined']);
    expect(inner.jobs).toHaveLength(2);
  });

  it('hands out finished latents with what it replays, and only once', async () => {
    const { inner, generator } = cached();
    const [, base] = await collect(generator, JOB);
    const [replayed] = await collect(generator, JOB);
    expect(replayed?.latents).toEqual(base?.latents);
    await collect(generator, { ...JOB, slice: 1, startMs: 667, previous: base?.latents as Float32Array });
    const next = { ...JOB, slice: 1, startMs: 667, previous: replayed?.latents as Float32Array };
    expect(tiers(await collect(generator, next))).toEqual(['refined segment']);
    expect(inner.jobs).toHaveLength(2);
  });

  it('goes on from a finished base without denoising it again', async () => {
    const { inner, generator } = cached();
    await collect(generator, JOB, 2);
    const rest = await collect(generator, JOB);
    expect(tiers(rest)).toEqual(['base segment', 'refined']);
    expect(rest[1]?.latents, 'given with the base').toBeUndefined();
    expect(inner.denoiseSteps).toBe(STEPS);
    expect(tiers(await collect(generator, JOB))).toEqual(['refined segment']);
  });

  it('makes no tier above the one asked for out of what it has', async () => {
    const { generator } = cached();
    await collect(generator, JOB);
    expect(tiers(await collect(generator, { ...JOB, stopAtTier: 'base' }))).toEqual(['base segment']);
  });

  it.each([
    ['prompt', { prompt: 'a blue ball on a meadow' }],
    ['seed', { seed: 8 }],
    ['guidance', { guidance: 3 }],
    ['slice', { slice: 1 }],
    ['place in time', { startMs: 667 }],
    ['what it continues', { previous: Float32Array.of(1, 2, 3) }],
    ['mix', { mix: { towards: 'a boat', amount: 0.5, interpolation: 'linear' } }],
    ['start', { start: { latents: Float32Array.of(1, 2, 3), strength: 0.5 } }],
    ['number of steps', { maxSteps: 2 }],
    ['reference', { reference: Float32Array.of(1, 2, 3) }],
  ] as const)('never replays a slice of another %s', async (_, change) => {
    const { inner, generator } = cached();
    await collect(generator, JOB);
    await collect(generator, { ...JOB, ...change });
    expect(inner.jobs).toHaveLength(2);
  });

  it('never replays a slice of another model', async () => {
    const one = cached();
    await collect(one.generator, JOB);
    const other = new CachingGenerator({
      generator: one.inner,
      identity: 'model-2',
      segments: one.segments,
      latents: one.latents,
      nearStrength: 0.25,
      nearSteps: 1,
    });
    expect(tiers(await collect(other, JOB))).toEqual(['draft', 'base', 'refined']);
  });

  it('takes two spellings of one prompt as one', async () => {
    const { inner, generator } = cached();
    await collect(generator, JOB);
    await collect(generator, { ...JOB, prompt: '  a red ball  on a\nmeadow' });
    expect(inner.jobs).toHaveLength(1);
  });

  it('is lazy: a tier that nobody pulls is not made', async () => {
    const { inner, generator } = cached();
    await collect(generator, JOB, 1);
    expect(inner.made).toEqual(['0:draft']);
  });

  it('leaves a slice that another session has finished meanwhile', async () => {
    const { inner, generator } = cached();
    const mine = generator.generate(JOB, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect((await mine.next()).value).toMatchObject({ tier: 'draft' });
    await collect(generator, JOB);
    expect((await mine.next()).value).toMatchObject({ tier: 'refined', cached: 'segment' });
    expect((await mine.next()).done).toBe(true);
    expect(inner.made).toEqual(['0:draft', '0:base', '0:refined']);
  });

  it('keeps within its bytes, and computes again what it dropped', async () => {
    const { inner, segments, generator } = cached({ maxBytes: 9_000 });
    await collect(generator, JOB);
    await collect(generator, { ...JOB, prompt: 'a boat' });
    expect(segments.memory.bytes).toBeLessThanOrEqual(9_000);
    expect(segments.memory.counts.evictions).toBeGreaterThan(0);
    await collect(generator, JOB);
    expect(inner.jobs).toHaveLength(3);
  });

  it('keeps nothing that was made with less than was asked for', async () => {
    const { inner, generator, segments } = cached();
    const whole = inner.generate.bind(inner);
    inner.generate = async function* reduced(...args) {
      for await (const rendition of whole(...args)) yield { ...rendition, reduced: true };
    };
    await collect(generator, JOB);
    expect(segments.memory.size).toBe(0);
  });

  it('keeps a slice that came in runs of frames as one', async () => {
    const { inner, generator } = cached();
    const whole = inner.generate.bind(inner);
    inner.generate = async function* inRuns(...args) {
      for await (const { frames, ...rendition } of whole(...args)) {
        yield { ...rendition, frames: frames.slice(0, 1) };
        yield { ...rendition, frames: frames.slice(1), firstFrame: 1 };
      }
    };
    expect(await collect(generator, JOB)).toHaveLength(6);
    const [replayed, ...none] = await collect(generator, JOB);
    expect(replayed?.frames).toHaveLength(4);
    expect(none).toEqual([]);
  });
});

describe('latents of a near prompt', () => {
  const NEAR = { ...JOB, prompt: 'a blue ball on a meadow' };

  it('start a slice at fewer steps, with its base as the first picture', async () => {
    const { inner, generator } = cached({ maxDistance: 0.3 });
    await collect(generator, JOB);
    const before = inner.denoiseSteps;
    expect(tiers(await collect(generator, NEAR))).toEqual(['base latent', 'refined latent']);
    expect(inner.denoiseSteps - before).toBe(1);
    expect(inner.jobs[1]).toMatchObject({ prompt: NEAR.prompt, start: { strength: 0.25 }, maxSteps: 1 });
  });

  it('are kept apart: a near hit is replayed as one, and what comes from noise keeps its own key', async () => {
    const { inner, latents, generator } = cached({ maxDistance: 0.3 });
    await collect(generator, JOB);
    await collect(generator, NEAR);
    expect(tiers(await collect(generator, NEAR))).toEqual(['refined segment']);
    latents.memory.clear();
    expect(tiers(await collect(generator, NEAR))).toEqual(['draft', 'base', 'refined']);
    expect(inner.jobs.at(-1)?.start).toBeUndefined();
  });

  it('never come from a near hit themselves, or pictures would drift', async () => {
    const { latents, generator } = cached({ maxDistance: 0.3 });
    await collect(generator, JOB);
    await collect(generator, NEAR);
    expect(latents.memory.size).toBe(1);
  });

  it.each([
    ['far prompt', { prompt: 'two boats at sea under stars' }],
    ['other seed', { seed: 8 }],
    ['other guidance', { guidance: 3 }],
    ['slice that continues another', { previous: Float32Array.of(1, 2) }],
    ['mix', { mix: { towards: 'a boat', amount: 0.5, interpolation: 'linear' } }],
  ] as const)('do not serve a %s', async (_, change) => {
    const { inner, generator } = cached({ maxDistance: 0.3 });
    await collect(generator, JOB);
    await collect(generator, { ...NEAR, ...change });
    expect(inner.jobs[1]?.start).toBeUndefined();
  });

  it('of the very same prompt need no step at all, and give the same picture', async () => {
    const { inner, segments, generator } = cached({ maxDistance: 0.3 });
    const first = await collect(generator, JOB);
    segments.memory.clear();
    const again = await collect(generator, JOB);
    expect(again.at(-1)?.frames).toEqual(first.at(-1)?.frames);
    expect(inner.denoiseSteps).toBe(STEPS);
  });

  it('choose the nearest, and forget the one used longest ago', () => {
    const latents = new LatentCache({ maxBytes: 3 * 12, maxDistance: 0.5 });
    const put = (name: string, ...embedding: number[]) =>
      latents.put('g', name, { embedding: Float32Array.from(embedding), latents: Float32Array.of(name.length) });
    put('a', 1, 0);
    put('bb', 1, 1);
    put('ccc', 0, 1);
    expect(latents.nearest('g', Float32Array.of(1, 0.1))?.latents[0]).toBe(1);
    expect(latents.nearest('other', Float32Array.of(1, 0))).toBeUndefined();
    put('dddd', -1, 0);
    expect([...latents.memory.keys()]).toEqual(['g/ccc', 'g/a', 'g/dddd']);
    expect(latents.counts).toEqual({ hits: 1, misses: 1, evictions: 1 });
  });
});
