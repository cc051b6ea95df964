/** The quality bench on the toy pack, with a toy judge that looks at the picture's colour: the whole way, in small. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Probe, probeFor } from '../../bench/quality/probe.ts';
import { formatTable, run } from '../../bench/suites/quality.ts';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';
import { onnxFile } from '../../scripts/toy-pack/onnx-file.ts';
import { COLOURS, CONDITION_WIDTH, FRAMES, SIZES } from '../../scripts/toy-pack/parts.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { defaultModelDirectory, readManifest } from '../../src/generation/onnx/pack/model-pack.ts';
import { i420Bytes } from '../../src/picture/frame.ts';
import { collect } from '../support/collect.ts';

const BYTES = i420Bytes(SIZES.base, SIZES.base);
let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-quality-'));
  model = join(folder, 'toy');
  await makeToyPack(model);
});
afterAll(() => rm(folder, { recursive: true }));

/** Scores each colour by the mean chroma of the frames. */
async function toyProbe(): Promise<string> {
  const weights = new Float32Array(FRAMES * BYTES * CONDITION_WIDTH);
  const pixels = SIZES.base ** 2;
  for (let at = 0; at < FRAMES * BYTES; at++) {
    const within = at % BYTES;
    const plane = within < pixels ? 0 : within < pixels * 1.25 ? 1 : 2;
    for (const [index, colour] of Object.values(COLOURS).entries())
      weights[at * CONDITION_WIDTH + index + 1] = plane === 0 ? 0 : (colour[plane] ?? 0) / pixels;
  }
  const file = onnxFile({
    name: 'probe',
    inputs: [{ name: 'i420', type: 'uint8', shape: ['b', FRAMES, BYTES] }],
    outputs: [{ name: 'probabilities', type: 'float32', shape: ['b', CONDITION_WIDTH] }],
    constants: [
      { name: 'weights', data: weights, shape: [FRAMES * BYTES, CONDITION_WIDTH] },
      { name: 'flat', data: BigInt64Array.of(-1n, BigInt(FRAMES * BYTES)), shape: [2] },
      { name: 'middle', data: Float32Array.of(128), shape: [1] },
    ],
    nodes: [
      { op: 'Cast', inputs: ['i420'], outputs: ['levels'], attributes: { to: 1 } },
      { op: 'Sub', inputs: ['levels', 'middle'], outputs: ['centred'] },
      { op: 'Reshape', inputs: ['centred', 'flat'], outputs: ['row'] },
      { op: 'MatMul', inputs: ['row', 'weights'], outputs: ['scores'] },
      { op: 'Softmax', inputs: ['scores'], outputs: ['probabilities'], attributes: { axis: -1 } },
    ],
  });
  const path = join(folder, 'probe.onnx');
  await writeFile(path, file);
  return path;
}

describe('the probe', () => {
  it('reads the base frames of a slice, field by field', async () => {
    const manifest = await readManifest(model);
    await using probe = await Probe.load(manifest, await toyProbe());
    await using generator = await OnnxGenerator.create({ modelDirectory: model, threads: 1 });
    for (const prompt of Object.keys(COLOURS)) {
      const job = { revision: 0, slice: 0, prompt, seed: 1, startMs: 0 } as const;
      const live = { signal: new AbortController().signal };
      const [base] = await collect(generator.generate({ ...job, startAtTier: 'base', stopAtTier: 'base' }, live));
      expect(await probe?.read(base?.frames ?? [])).toEqual({ color: prompt });
    }
  });

  it('reads packs of the world that ships, and no other', async () => {
    await using shipped = await probeFor(await readManifest(defaultModelDirectory()));
    expect(shipped).toBeInstanceOf(Probe);
    expect(await probeFor(await readManifest(model))).toBeUndefined();
  });

  it('is none where there is no file, and refused when it is for another world', async () => {
    const manifest = await readManifest(model);
    expect(await Probe.load(manifest, join(folder, 'no.onnx'))).toBeUndefined();
    const other = { ...manifest, condition: { ...manifest.condition, width: 9 } };
    await expect(Probe.load(other, await toyProbe())).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('bench quality', () => {
  it('measures tiers, seams and shift, and writes a sheet', async () => {
    const sheet = join(folder, 'sheet');
    await mkdir(sheet);
    const report = await run({ prompts: 3, model, sheet });
    const [toy] = report.packs;
    expect(toy).toMatchObject({ name: 'toy', prompts: 3, understood: { color: expect.any(Number) } });
    expect(toy?.tiers.map(({ name }) => name)).toEqual(['draft', 'base', 'refined', 'upscaled']);
    expect(toy?.adherence).toBeUndefined();
    expect(toy?.shiftPx?.p95).toBeLessThan(1);
    expect(toy?.seams.map(({ name }) => name)).toEqual(['base', 'refined']);
    expect((await readdir(sheet)).toSorted()).toEqual(['toy-01.jpg', 'toy-02.jpg', 'toy-03.jpg', 'toy.md']);
    expect((await readFile(join(sheet, 'toy-01.jpg'))).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
    expect(formatTable(report)).toMatch(/PSNR against the best tier: draft [\d.]+ dB/);
  });

  it.each([0, 1.5, Number.NaN, 100_000])('refuses %s prompts', async (prompts) => {
    await expect(run({ prompts, model })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });
});
