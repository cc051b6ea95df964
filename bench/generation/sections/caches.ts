/**
 * What the caches save: a slice seen before, from memory and from disk after a restart; and a prompt near an earlier one,
 * how much sooner its base is there, how near it is to the picture from noise, and whether it still shows what it says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withCaches } from '../../../src/generation/cache/create.ts';
import type { Generator, Rendition } from '../../../src/generation/generator.ts';
import type { ModelPack } from '../../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../../src/generation/onnx/model/onnx-generator.ts';
import type { Tier } from '../../../src/picture/tiers.ts';
import { Adherence } from '../../quality/adherence.ts';
import { lumaPsnrDb } from '../../quality/pictures.ts';
import { Probe } from '../../quality/probe.ts';
import { nearPairs } from '../near-prompts.ts';
import { packsOf } from '../packs.ts';
import type { Figure, Section } from '../section.ts';

const EXACT_GOAL = { atLeast: 20 } as const;
const NEAR_GOAL = { atLeast: 2 } as const;
/** A word: the distance of two prompts of one field's difference is 0.125. */
const NEAR_DISTANCE = 0.13;

async function open(pack: ModelPack, cacheDir?: string): Promise<Generator> {
  const generator = await OnnxGenerator.create({ modelDirectory: pack.directory, threads: 1 });
  const config = { cacheMemory: 256, cacheDir, cacheDisk: 256, cacheNear: NEAR_DISTANCE };
  const caching = withCaches(generator, pack.manifest.name, config, {});
  await caching.warmUp();
  return caching;
}

/** Until the first rendition of at least `tier` is there. */
async function first(
  generator: Generator,
  { prompt, seed, tier }: { prompt: string; seed: number; tier: Tier },
): Promise<{ ms: number; rendition: Rendition }> {
  const startedMs = performance.now();
  const job = { revision: 0, slice: 0, prompt, seed, startMs: 0, stopAtTier: tier };
  for await (const rendition of generator.generate(job, { signal: new AbortController().signal }))
    if (rendition.tier === tier) return { ms: performance.now() - startedMs, rendition };
  throw new RangeError(`no ${tier}`);
}

async function exact(pack: ModelPack, count: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-bench-'));
  const prompts = nearPairs(count, 4).map(({ before, seed }) => ({
    prompt: before.text,
    seed,
    tier: 'refined' as const,
  }));
  const times: Record<'cold' | 'memory' | 'disk', number[]> = { cold: [], memory: [], disk: [] };
  const measure = async (name: keyof typeof times, generator: Generator): Promise<void> => {
    for (const job of prompts) times[name].push((await first(generator, job)).ms);
  };
  try {
    const before = await open(pack, folder);
    await measure('cold', before);
    await measure('memory', before);
    await before[Symbol.asyncDispose]();
    const after = await open(pack, folder);
    await measure('disk', after);
    await after[Symbol.asyncDispose]();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const [cold, memory, disk] = [median(times.cold), median(times.memory), median(times.disk)];
  const { name } = pack.manifest;
  return [
    { name: `${name} first refined, made`, value: cold, unit: 'ms' },
    { name: `${name} first refined, repeated`, value: memory, unit: 'ms' },
    { name: `${name} first refined, repeated after a restart`, value: disk, unit: 'ms' },
    { name: `${name} repeat is sooner`, value: cold / memory, unit: 'times', goal: EXACT_GOAL },
    { name: `${name} repeat after a restart is sooner`, value: cold / disk, unit: 'times', goal: EXACT_GOAL },
  ];
}

async function near(pack: ModelPack, count: number): Promise<Figure[]> {
  await using generator = await open(pack);
  await using plain = await OnnxGenerator.create({ modelDirectory: pack.directory, threads: 1 });
  await plain.warmUp();
  await using stack = new AsyncDisposableStack();
  const loaded = await Probe.load(pack.manifest);
  const probe = loaded && stack.use(loaded);
  const [madeMs, nearMs, psnrs, oldPsnrs]: number[][] = [[], [], [], []];
  const [made, hit] = [new Adherence(), new Adherence()];
  for (const { before, after, seed } of nearPairs(count, 1)) {
    const old = await first(generator, { prompt: before.text, seed, tier: 'base' });
    const cold = await first(plain, { prompt: after.text, seed, tier: 'base' });
    const warm = await first(generator, { prompt: after.text, seed, tier: 'base' });
    if (warm.rendition.cached !== 'latent') continue;
    madeMs?.push(cold.ms);
    nearMs?.push(warm.ms);
    psnrs?.push(lumaPsnrDb(warm.rendition.frames, cold.rendition.frames));
    oldPsnrs?.push(lumaPsnrDb(old.rendition.frames, cold.rendition.frames));
    if (!probe) continue;
    made.add(after.fields, await probe.read(cold.rendition.frames));
    hit.add(after.fields, await probe.read(warm.rendition.frames));
  }
  const { name } = pack.manifest;
  const [cold, warm] = [median(madeMs), median(nearMs)];
  return [
    { name: `${name} first base, from noise`, value: cold, unit: 'ms' },
    { name: `${name} first base, near prompt`, value: warm, unit: 'ms' },
    { name: `${name} near prompt is sooner`, value: cold / warm, unit: 'times', goal: NEAR_GOAL },
    { name: `${name} near pairs that hit`, value: (nearMs?.length ?? 0) / count, unit: 'share' },
    { name: `${name} near picture to that from noise`, value: median(psnrs), unit: 'dB' },
    { name: `${name} earlier picture to that from noise`, value: median(oldPsnrs), unit: 'dB' },
    ...(probe
      ? [{ name: `${name} near picture shows`, value: hit.meanPercent, unit: '% of fields', limit: made.meanPercent }]
      : []),
  ];
}

const median = (values: readonly number[] = []): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const section: Section = {
  name: 'caches',
  title: 'a slice seen before, and a prompt of one other word',
  order: 60,
  async run({ model, quick, onProgress }) {
    const figures: Figure[] = [];
    for (const pack of await packsOf(model)) {
      onProgress(`${pack.manifest.name}, exact`);
      figures.push(...(await exact(pack, quick ? 8 : 40)));
      onProgress(`${pack.manifest.name}, near`);
      figures.push(...(await near(pack, quick ? 10 : 60)));
    }
    return figures;
  },
};
export default section;
