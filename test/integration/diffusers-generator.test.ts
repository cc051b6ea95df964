/** Image models in the diffusers layout: tiny ones of random weights, run by the real runtime. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToyDiffusers, type ToyDiffusersOptions } from '../../scripts/make-toy-diffusers.ts';
import type { Rendition, SliceJob, UnitOfWork } from '../../src/generation/generator.ts';
import { DiffusersGenerator } from '../../src/generation/onnx/diffusers/diffusers-generator.ts';
import { i420Bytes, type I420Frame } from '../../src/picture/frame.ts';
import { collect } from '../support/collect.ts';
import { lowestPsnrDb } from '../../bench/support/pictures/psnr.ts';

const JOB: SliceJob = { revision: 2, slice: 0, prompt: 'red sky', seed: 7, startMs: 0, stopAtTier: 'refined' };
const live = { signal: new AbortController().signal };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-diffusers-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Made {
  toy?: ToyDiffusersOptions;
  size?: string;
  steps?: number;
}

async function made({ toy = {}, ...options }: Made = {}): Promise<DiffusersGenerator> {
  const modelDirectory = await mkdtemp(join(folder, 'model-'));
  await makeToyDiffusers(modelDirectory, toy);
  return DiffusersGenerator.create({ modelDirectory, threads: 1, ...options });
}

const last = (renditions: readonly Rendition[]): I420Frame => renditions.at(-1)!.frames[0]!;

describe('an image model', () => {
  let generator: DiffusersGenerator;
  const slice = (job: Partial<SliceJob> = {}): Promise<Rendition[]> =>
    collect(generator.generate({ ...JOB, ...job }, live));
  const refined = async (job: Partial<SliceJob> = {}): Promise<I420Frame> => last(await slice(job));

  beforeAll(async () => {
    generator = await made();
  });
  afterAll(() => generator.close());

  it('yields a preview, the picture of an early step and the finished one, at the announced sizes', async () => {
    const renditions = await slice();
    expect(renditions.map(({ tier, revision }) => [tier, revision])).toEqual([
      ['draft', 2],
      ['base', 2],
      ['refined', 2],
    ]);
    for (const [index, { frames }] of renditions.entries()) {
      const { widthPx, heightPx } = generator.info.tiers[index]!;
      expect(frames).toHaveLength(generator.info.slice.frames);
      for (const frame of frames) expect(frame.data).toHaveLength(i420Bytes(widthPx, heightPx));
    }
    expect(generator.info.tiers.map(({ widthPx }) => widthPx)).toEqual([16, 128, 128]);
  });

  it('shows in the draft what the picture of the same step shows', async () => {
    const [draft, base] = await slice({ stopAtTier: 'base' });
    const [small, large] = [draft!.frames[0]!, base!.frames[0]!];
    for (const at of [0, 37, 255]) {
      const pixel = Math.floor(at / 16) * 8 * 128 + (at % 16) * 8;
      expect(Math.abs(small.data[at]! - large.data[pixel]!)).toBeLessThan(4);
    }
  });

  it('paints the same picture for the same seed, another for another seed or prompt', async () => {
    const picture = await refined();
    expect(await refined()).toEqual(picture);
    expect(await refined({ seed: 8 })).not.toEqual(picture);
    expect(await refined({ prompt: 'blue cat' })).not.toEqual(picture);
  });

  it('moves slowly along the timeline: neighbours are alike, far slices are not', async () => {
    const picture = await refined();
    const next = await refined({ slice: 1, startMs: 800 });
    const far = await refined({ slice: 30, startMs: 24_000 });
    expect(next).not.toEqual(picture);
    expect(lowestPsnrDb(picture, next)).toBeGreaterThan(lowestPsnrDb(picture, far) + 3);
  });

  it('computes a tier only when it is pulled, each call of a part a unit of work', async () => {
    const kinds: string[] = [];
    const turn = async (unit: UnitOfWork): Promise<void> => {
      kinds.push(unit.kind);
      await unit.run();
    };
    const renditions = generator.generate({ ...JOB, prompt: 'green' }, { ...live, turn });
    await renditions.next();
    expect(kinds).toEqual(['text_encoder:1x16', 'unet:1x4x16x16@999']);
    await renditions.next();
    expect(kinds.slice(2)).toEqual(['vae_decoder:1x4x16x16']);
    await renditions.next();
    expect(kinds.slice(3)).toEqual(['unet:1x4x16x16@499', 'vae_decoder:1x4x16x16']);
  });

  it('goes on from latents: at strength 0 only decoded, at a low one near to them', async () => {
    const [{ latents = new Float32Array() } = {}] = (await slice()).slice(-1);
    const kept = await refined({ prompt: 'blue', start: { latents, strength: 0 } });
    expect(kept).toEqual(await refined());
    const wrong = { latents: new Float32Array(3), strength: 0.5 };
    await expect(refined({ start: wrong })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
    await expect(refined({ start: { latents, strength: 2 } })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('travels between two prompts', async () => {
    const mix = (amount: number) => ({ mix: { towards: 'yellow', amount, interpolation: 'linear' as const } });
    expect(await refined(mix(0))).toEqual(await refined());
    expect(await refined(mix(1))).toEqual(await refined({ prompt: 'yellow' }));
    expect(await refined(mix(0.5))).not.toEqual(await refined());
  });

  it('takes at most the steps that it is told to', async () => {
    const one = await slice({ maxSteps: 1 });
    expect(one.at(-1)!.frames).toEqual(one.at(-2)!.frames);
  });

  it('says which words it does not read', async () => {
    expect(await generator.read('red '.repeat(14) + 'blue')).toEqual({ unknownWords: ['blue'], fields: {} });
    expect(await generator.read('red sky')).toEqual({ unknownWords: [], fields: {} });
  });

  it('stops between two steps when it is aborted, and works on', async () => {
    const abort = new AbortController();
    const renditions = generator.generate(JOB, { signal: abort.signal });
    await renditions.next();
    abort.abort();
    await expect(renditions.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await slice()).toHaveLength(3);
  });

  it('gives its memory back, and is there again', async () => {
    const before = await refined();
    await generator.memory.rest('half-loaded');
    expect((await generator.memory.report()).parts.map(({ state }) => state)).toEqual(['cold', 'cold', 'cold']);
    expect(await refined()).toEqual(before);
  });
});

describe('other exports', () => {
  it.each(['lcm', 'flow-match'] as const)('of the kind %s paint, and obey prompt and guidance', async (kind) => {
    await using generator = await made({ toy: { kind } });
    const refined = async (job: Partial<SliceJob> = {}): Promise<I420Frame> =>
      last(await collect(generator.generate({ ...JOB, ...job }, live)));
    const picture = await refined();
    expect(await refined()).toEqual(picture);
    expect(await refined({ prompt: 'blue' })).not.toEqual(picture);
    expect(await refined({ guidance: 1 })).not.toEqual(picture);
  });

  it('in 16 bits paint what those in 32 bits do, but for rounding', async () => {
    await using wide = await made();
    await using narrow = await made({ toy: { fp16: true } });
    const [first, second] = await Promise.all([wide, narrow].map((each) => collect(each.generate(JOB, live))));
    expect(lowestPsnrDb(last(first!), last(second!))).toBeGreaterThan(40);
  });

  it('with weights in a file of their own paint the same', async () => {
    await using whole = await made();
    await using apart = await made({ toy: { externalData: true, oldTokenizer: true } });
    const pictures = await Promise.all([whole, apart].map((each) => collect(each.generate(JOB, live))));
    expect(last(pictures[1]!)).toEqual(last(pictures[0]!));
    await apart.memory.rest('half-loaded');
    expect(last(await collect(apart.generate(JOB, live)))).toEqual(last(pictures[0]!));
  });

  it('paint other sizes and step counts when asked to', async () => {
    await using generator = await made({ size: '192x64', steps: 6 });
    const { tiers } = generator.info;
    expect(tiers.map(({ widthPx, heightPx }) => `${widthPx}x${heightPx}`)).toEqual(['24x8', '192x64', '192x64']);
    const kinds: string[] = [];
    const turn = async (unit: UnitOfWork): Promise<void> => {
      kinds.push(unit.kind);
      await unit.run();
    };
    await collect(generator.generate(JOB, { ...live, turn }));
    expect(kinds.filter((kind) => kind.startsWith('unet:'))).toHaveLength(6);
    // Six steps are no distilled model's: guidance asks twice, for the empty prompt too.
    expect(kinds.filter((kind) => kind.startsWith('text_encoder:'))).toHaveLength(2);
  });
});
