import { expect, it } from 'vitest';
import { CachingGenerator } from '../../../../src/generation/cache/caching-generator.ts';
import { LatentCache } from '../../../../src/generation/cache/latents.ts';
import { SegmentCache } from '../../../../src/generation/cache/segments.ts';
import type { SliceJob } from '../../../../src/generation/generator.ts';
import { CountingGenerator } from '../../../support/counting-generator.ts';

it('keeps nothing of a slice that follows a camera, and replays nothing for one', async () => {
  const inner = new CountingGenerator();
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
  const job: SliceJob = { revision: 0, slice: 0, prompt: 'a red ball', seed: 7, startMs: 0, stopAtTier: 'refined' };
  const live = { newest: async () => undefined, next: async () => undefined };
  const make = async (wanted: SliceJob): Promise<void> => {
    for await (const rendition of generator.generate(wanted, { signal: new AbortController().signal }))
      expect(rendition.cached).toBeUndefined();
  };
  await make(job);
  const held = segments.memory.bytes;
  await make({ ...job, live });
  await make({ ...job, live, prompt: 'another' });
  expect(inner.jobs).toHaveLength(3);
  expect(segments.memory.bytes).toBe(held);
});
