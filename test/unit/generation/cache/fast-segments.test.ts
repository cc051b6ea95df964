/** A tier that was made fast, and the cache: it stands in until it is wanted in full, and is never taken for it. */
import { describe, expect, it } from 'vitest';
import { CachingGenerator } from '../../../../src/generation/cache/caching-generator.ts';
import { LatentCache } from '../../../../src/generation/cache/latents.ts';
import { SegmentCache } from '../../../../src/generation/cache/segments.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../../../../src/generation/generator.ts';
import { gradeOf, type Variant } from '../../../../src/generation/grades.ts';
import { CountingGenerator, STEPS } from '../../../support/counting-generator.ts';

const JOB: SliceJob = { revision: 0, slice: 0, prompt: 'a red ball', seed: 7, startMs: 0, stopAtTier: 'refined' };

function cached() {
  const inner = new CountingGenerator({ hasFast: true });
  const segments = new SegmentCache({ maxBytes: 1e6 });
  const latents = new LatentCache({ maxBytes: 1e6, maxDistance: 0 });
  const generator = new CachingGenerator({
    generator: inner,
    identity: 'model-1',
    segments,
    latents,
    nearStrength: 0.25,
    nearSteps: 1,
  });
  return { inner, segments, generator };
}

/** @param most renditions to pull */
async function collect(generator: CachingGenerator, variant?: Variant, most = Infinity): Promise<Rendition[]> {
  const renditions: Rendition[] = [];
  const options: GenerateOptions = { signal: new AbortController().signal };
  if (variant) options.variant = () => variant;
  for await (const rendition of generator.generate(JOB, options)) {
    renditions.push(rendition);
    if (renditions.length >= most) break;
  }
  return renditions;
}
const grades = (renditions: readonly Rendition[]) =>
  renditions.map((rendition) => `${gradeOf(rendition)}${rendition.cached ? ' again' : ''}`);
const keys = (segments: SegmentCache) => [...segments.memory.keys()].map((key) => key.replace(/^[^-]+-/, ''));

describe('a slice that was made fast', () => {
  it('is replayed for who may have it fast, and made in full where they pull again', async () => {
    const { inner, generator } = cached();
    expect(grades(await collect(generator, 'fast', 3))).toEqual(['draft', 'base', 'refined-fast']);
    const again = await collect(generator, 'fast', 2);
    expect(grades(again)).toEqual(['refined-fast again', 'refined']);
    expect(again.map(({ frames }) => frames[0]?.widthPx)).toEqual([24, 32]);
    expect(inner.denoiseSteps, 'refined from the latents that are there').toBe(STEPS);
  });

  it('shows at once to who has time for full, which follows', async () => {
    const { generator } = cached();
    await collect(generator, 'fast', 3);
    expect(grades(await collect(generator, 'full'))).toEqual(['refined-fast again', 'refined']);
  });

  it('is nothing to who knows no variants', async () => {
    const { inner, generator } = cached();
    await collect(generator, 'fast', 3);
    expect(grades(await collect(generator))).toEqual(['base again', 'refined']);
    expect(inner.denoiseSteps).toBe(STEPS);
  });

  it('is forgotten once there is the full one, which is replayed from then on', async () => {
    const { inner, segments, generator } = cached();
    await collect(generator, 'fast');
    expect(keys(segments)).toEqual(['base', 'refined']);
    expect(grades(await collect(generator, 'fast'))).toEqual(['refined again']);
    expect(inner.made).toEqual(['0:draft', '0:base', '0:refined-fast', '0:refined']);
  });

  it('does not take the place of a full one that another session has made meanwhile', async () => {
    const { generator } = cached();
    const slow = generator.generate(JOB, { signal: new AbortController().signal, variant: () => 'fast' });
    await slow.next();
    await slow.next();
    await collect(generator, 'full');
    expect(grades([(await slow.next()).value as Rendition])).toEqual(['refined again']);
    expect((await slow.next()).done).toBe(true);
  });
});
