import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { createGenerator } from '../../src/generation/create-generator.ts';
import type { CacheSource } from '../../src/metrics/cache-source.ts';
import type { Generator, Rendition, SliceJob } from '../../src/generation/generator.ts';
import { collect } from '../support/collect.ts';

const JOB: SliceJob = {
  revision: 0,
  slice: 0,
  prompt: 'a red ball over a green meadow',
  seed: 9,
  startMs: 0,
  stopAtTier: 'refined',
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-cache-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As the service makes it: the embedded model behind its caches. */
async function open(flags: Record<string, unknown> = {}) {
  const caches = new Map<string, CacheSource>();
  const onCaches = (sources: readonly CacheSource[]) => sources.forEach((source) => caches.set(source.cache, source));
  const config = loadConfig({ flags: { cacheDir: folder, ...flags }, environment: {} });
  return { generator: await createGenerator(config, { onCaches }), caches };
}

/** Three slices, each continuing the one before. */
async function clip(generator: Generator): Promise<Rendition[]> {
  const best: Rendition[] = [];
  let previous: Float32Array | undefined;
  for (let slice = 0; slice < 3; slice++) {
    const job = { ...JOB, slice, startMs: slice * 667, ...(previous ? { previous } : {}) };
    const made = await collect(generator.generate(job, { signal: new AbortController().signal }));
    for (const { latents } of made) previous = latents ?? previous;
    best.push(made.at(-1) as Rendition);
  }
  return best;
}
const pixels = (renditions: readonly Rendition[]) => renditions.map(({ frames }) => frames.map(({ data }) => data));

describe('the embedded model behind its caches', () => {
  it('shows a clip again after a restart, to the last bit and without computing', async () => {
    const first = await open();
    const made = await clip(first.generator);
    await first.generator[Symbol.asyncDispose]();
    const second = await open();
    const again = await clip(second.generator);
    await second.generator[Symbol.asyncDispose]();
    expect(made.map(({ cached }) => cached)).toEqual([undefined, undefined, undefined]);
    expect(again.every(({ cached, computeMs }) => cached === 'segment' && computeMs === 0)).toBe(true);
    expect(pixels(again)).toEqual(pixels(made));
    expect(second.caches.get('segments-disk')?.read()).toMatchObject({ hits: 3, damaged: 0 });
    expect((await readdir(join(folder, 'segments'))).length).toBe(6);
  });

  it('has no cache at --cache-memory 0', async () => {
    const { generator, caches } = await open({ cacheMemory: 0 });
    await generator[Symbol.asyncDispose]();
    expect(caches.size).toBe(0);
  });
});
