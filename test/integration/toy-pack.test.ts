/** The pack of docs/models.md: written without a framework, and complete, so the optional parts are tested on it. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';
import { type Graph, onnxFile } from '../../scripts/toy-pack/onnx-file.ts';
import { SIZES, upscalerPart } from '../../scripts/toy-pack/parts.ts';
import type { Rendition, SliceJob, UnitOfWork } from '../../src/generation/generator.ts';
import type { Manifest } from '../../src/generation/onnx/pack/model-pack.ts';
import { loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { collect } from '../support/collect.ts';

const JOB: SliceJob = { revision: 0, slice: 0, prompt: 'red', seed: 7, startMs: 0, stopAtTier: 'upscaled' };
const live = { signal: new AbortController().signal };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-toy-'));
});
afterAll(() => rm(folder, { recursive: true }));

const pixel = ({ data, widthPx, heightPx }: I420Frame, share: number): number[] => {
  const pixels = widthPx * heightPx;
  return [data[Math.floor(pixels * share)], data[pixels], data[pixels * 1.25]].map((value) => value ?? -1);
};

describe('the toy pack', () => {
  let generator: OnnxGenerator;
  beforeAll(async () => {
    await makeToyPack(join(folder, 'toy'));
    generator = await OnnxGenerator.create({ modelDirectory: join(folder, 'toy'), threads: 1 });
  });
  afterAll(() => generator.close());

  it('yields all four tiers, each at its size, one composition throughout', async () => {
    const renditions = await collect(generator.generate(JOB, live));
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined', 'upscaled']);
    const finished = renditions.slice(1).map(({ frames: [first] }) => first as I420Frame);
    expect(finished.map(({ widthPx }) => widthPx)).toEqual([SIZES.base, SIZES.refined, SIZES.upscaled]);
    for (const frame of finished) expect(pixel(frame, 0.5)).toEqual(pixel(finished[0] as I420Frame, 0.5));
    expect(renditions.every(({ frames }) => frames.length === 8)).toBe(true);
  });

  it('upscales in calls of two frames, each a unit of its own, and refines before it', async () => {
    const kinds: string[] = [];
    const turn = async (unit: UnitOfWork): Promise<void> => {
      kinds.push(unit.kind);
      await unit.run();
    };
    const job = { ...JOB, startAtTier: 'upscaled' } as const;
    const [only] = await collect(generator.generate(job, { ...live, turn }));
    expect(only?.frames).toHaveLength(8);
    expect(kinds.slice(-6)).toEqual([
      'refiner:1x8x4:0-3',
      'refiner:1x8x4:4-7',
      ...Array.from({ length: 4 }, () => `upscaler:2x${(SIZES.refined ** 2 * 3) / 2}`),
    ]);
    const whole: Rendition[] = await collect(generator.generate(JOB, live));
    expect(only?.frames.map(({ data }) => data)).toEqual(whole.at(-1)?.frames.map(({ data }) => data));
  });

  it('obeys: red is redder than blue', async () => {
    const redness = async (prompt: string): Promise<number> => {
      const job = { ...JOB, prompt, startAtTier: 'base', stopAtTier: 'base' } as const;
      const [rendition] = await collect(generator.generate(job, live));
      return pixel(rendition?.frames[0] as I420Frame, 0.5)[2] ?? 0;
    };
    expect(await redness('red')).toBeGreaterThan((await redness('blue')) + 50);
  });

  it('reads the colour of a prompt', async () => {
    expect(await generator.read('a yellow sky')).toEqual({ unknownWords: ['a', 'sky'], fields: { color: 'yellow' } });
  });
});

describe('a pack without the upscaler', () => {
  it('loads, and ends at refined', async () => {
    await makeToyPack(join(folder, 'three'), { upscaler: false });
    await using generator = await OnnxGenerator.create({ modelDirectory: join(folder, 'three'), threads: 1 });
    const renditions = await collect(generator.generate(JOB, live));
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined']);
  });
});

describe('an upscaler', () => {
  /** The toy pack with this upscaler and this change of the manifest. */
  async function packWith(graph: Graph, change: (manifest: Manifest) => void = () => {}): Promise<string> {
    const directory = await mkdtemp(join(folder, 'other-'));
    await makeToyPack(directory);
    const file = onnxFile(graph);
    await writeFile(join(directory, 'upscaler.onnx'), file);
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest;
    const sha256 = createHash('sha256').update(file).digest('hex');
    Object.assign(manifest.parts.upscaler ?? {}, { inputs: graph.inputs, sha256, bytes: file.length });
    change(manifest);
    await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
    return directory;
  }

  it('may call its input what it likes', async () => {
    const graph = upscalerPart();
    const [input] = graph.inputs;
    const renamed: Graph = {
      ...graph,
      inputs: input ? [{ ...input, name: 'small' }] : [],
      nodes: graph.nodes.map((node) => ({ ...node, inputs: ['small', 'index'] })),
    };
    const modelDirectory = await packWith(renamed);
    await using generator = await OnnxGenerator.create({ modelDirectory, threads: 1 });
    expect(await collect(generator.generate(JOB, live))).toHaveLength(4);
  });

  it('must fit its tier', async () => {
    const directory = await packWith(upscalerPart(), (manifest) => {
      Object.assign(manifest.tiers[3] ?? {}, { widthPx: 256, heightPx: 256 });
    });
    await expect(loadModelPack(directory)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      details: { part: 'upscaler', expected: expect.stringContaining('98304') },
    });
  });
});
