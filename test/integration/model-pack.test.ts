/** Every way a model pack can be broken, on copies of the one that ships. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { defaultModelDirectory, loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import type { Manifest } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'glimpse-pack-'));
  await cp(defaultModelDirectory(), directory, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

const readManifest = async (): Promise<Manifest> =>
  JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest;

async function changeManifest(change: (manifest: Manifest) => unknown): Promise<void> {
  const manifest = await readManifest();
  change(manifest);
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
}

const fieldOf = (manifest: Manifest, name: string) =>
  manifest.condition.fields.find((field) => field.name === name) ?? expect.unreachable(name);

/** What the loader finds wrong. */
async function fault(): Promise<Record<string, unknown>> {
  const error: unknown = await loadModelPack(directory).catch((failure: unknown) => failure);
  if (!(error instanceof GlimpseError)) throw new Error('the pack was accepted', { cause: error });
  expect(error).toMatchObject({ code: 'MODEL_INVALID', retryable: false });
  expect(Object.keys(error.details)).toEqual(['part', 'expected', 'found']);
  return error.details;
}

describe('loadModelPack', () => {
  it('accepts the pack that ships', async () => {
    const { manifest, files } = await loadModelPack(directory);
    expect(manifest.name).toBe('glimpse-s');
    expect(files.text).toBe(join(directory, manifest.parts.text.file));
    expect(files.fastRefiner, 'shared with the small pack').toBe(
      join(dirname(defaultModelDirectory()), 'glimpse-xs', 'refiner.onnx'),
    );
  });

  it('refuses a directory without a manifest', async () => {
    await rm(join(directory, 'manifest.json'));
    expect(await fault()).toEqual({ part: 'manifest.json', expected: 'a readable file', found: 'ENOENT' });
  });

  it('refuses a manifest that is not JSON', async () => {
    await writeFile(join(directory, 'manifest.json'), '{ "format": ');
    expect(await fault()).toMatchObject({ part: 'manifest.json', expected: 'JSON' });
  });

  it.each<[string, (manifest: Manifest) => unknown, Record<string, unknown>]>([
    ['another format', (m) => Object.assign(m, { format: 'x/2' }), { found: 'at format' }],
    ['a missing part', (m) => Reflect.deleteProperty(m.parts, 'text'), { found: 'at parts.text' }],
    ['tiers out of order', (m) => (m.tiers = m.tiers.toReversed()), { found: 'at tiers' }],
    [
      'an open field that may become what it cannot be',
      (m) => Object.assign(fieldOf(m, 'motion'), { open: { choices: ['still', 'spin'], unless: {} } }),
      { part: 'condition', found: 'spin' },
    ],
    [
      'an open field that hangs on an unknown value',
      (m) => Object.assign(fieldOf(m, 'motion'), { open: { choices: ['still'], unless: { object: ['dog'] } } }),
      { part: 'condition', found: 'dog' },
    ],
    ['rising sigmas', (m) => (m.sampler.sigmas = m.sampler.sigmas.toReversed()), { found: 'at sampler.sigmas' }],
    ['fewer sigmas than steps', (m) => (m.sampler.steps += 1), { found: 'at sampler' }],
    ['guidance out of its range', (m) => (m.sampler.guidance = 99), { found: 'at sampler' }],
    ['an odd picture', (m) => (m.tiers[2]!.widthPx += 1), { found: 'at tiers.2.widthPx' }],
    ['a draft of another size', (m) => (m.tiers[0]!.widthPx = 32), { part: 'tiers', found: '32x64' }],
    ['a fast size that no part makes', (m) => Reflect.deleteProperty(m.parts, 'fastRefiner'), { part: 'fastRefiner' }],
    ['a fast refiner without a size', (m) => Reflect.deleteProperty(m.tiers[2]!, 'fast'), { part: 'tiers' }],
    [
      'a fast size above the full one',
      (m) => Object.assign(m.tiers[2]!, { fast: { widthPx: 512, heightPx: 512 } }),
      { part: 'tiers', found: '512x512' },
    ],
    [
      'a fast size of another tier',
      (m) => Object.assign(m.tiers[3]!, { fast: { widthPx: 256, heightPx: 256 } }),
      { part: 'tiers', found: 'upscaled' },
    ],
    [
      'a fast size that its part does not make',
      (m) => Object.assign(m.tiers[2]!, { fast: { widthPx: 64, heightPx: 64 } }),
      { part: 'fastRefiner' },
    ],
    [
      'a part shared with what is no name of a pack',
      (m) => Object.assign(m.parts.fastRefiner!, { pack: '../glimpse-xs' }),
      { found: 'at parts.fastRefiner.pack' },
    ],
    [
      'a part shared with a pack that does not ship',
      (m) => Object.assign(m.parts.fastRefiner!, { pack: 'glimpse-xxl' }),
      { part: 'fastRefiner', found: 'ENOENT' },
    ],
    [
      'a shared part that leaves the other pack',
      (m) => Object.assign(m.parts.fastRefiner!, { file: '../glimpse-s/refiner.onnx' }),
      { part: 'fastRefiner', expected: 'a path inside the pack' },
    ],
    [
      'a shared part that is not the one it was made with',
      (m) => Object.assign(m.parts.fastRefiner!, { sha256: '0'.repeat(64) }),
      { part: 'fastRefiner' },
    ],
    ['tiers that shrink', (m) => (m.tiers[2]!.heightPx = 32), { part: 'tiers', found: '256x32' }],
    [
      'a tier that no part makes',
      (m) => Reflect.deleteProperty(m.parts, 'upscaler'),
      { part: 'upscaler', found: 'none' },
    ],
    ['an upscaler without its tier', (m) => m.tiers.pop(), { part: 'tiers', found: 'none' }],
    ['overlapping fields', (m) => (m.condition.fields[1]!.offset = 1), { part: 'condition', found: '1' }],
    ['a condition wider than its fields', (m) => (m.condition.width = 64), { part: 'condition', found: '64' }],
    ['parts for another latent', (m) => (m.latent.tokens = 16), { part: 'denoiser' }],
    ['a decoder for other pictures', (m) => (m.slice.frames = 4), { part: 'decoder' }],
    ['a refiner for other pictures', (m) => (m.tiers[2]!.widthPx = 128), { part: 'refiner' }],
    ['a fixed batch', (m) => (m.parts.text.inputs[0]!.shape[0] = 1), { part: 'text', found: 'ids int64 [1, 28, 6]' }],
    ['another type', (m) => (m.parts.text.inputs[0]!.type = 'float32'), { part: 'text' }],
    ['another name', (m) => (m.parts.text.inputs[0]!.name = 'tokens'), { found: 'tokens' }],
  ])('refuses %s', async (_, change, expected) => {
    await changeManifest(change);
    expect(await fault()).toMatchObject(expected);
  });

  it('names the file that is missing', async () => {
    await rm(join(directory, 'decoder.onnx'));
    expect(await fault()).toEqual({ part: 'decoder', expected: 'file decoder.onnx', found: 'ENOENT' });
  });

  it('notices a file cut short', async () => {
    await truncate(join(directory, 'refiner.onnx'), 1000);
    expect(await fault()).toMatchObject({ part: 'refiner', found: '1000 bytes' });
  });

  it('notices one changed byte', async () => {
    const path = join(directory, 'text.onnx');
    const bytes = await readFile(path);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(path, bytes);
    expect(await fault()).toMatchObject({ part: 'text', expected: expect.stringMatching(/^sha256 /) });
  });

  it.each(['../outside.onnx', '/etc/hostname', '.', 'a/../..'])('opens no file outside the pack: %s', async (file) => {
    await changeManifest((manifest) => (manifest.parts.text.file = file));
    expect(await fault()).toMatchObject({ part: 'text', expected: 'a path inside the pack' });
  });

  it('follows no link out of the pack', async () => {
    await symlink(join(defaultModelDirectory(), 'text.onnx'), join(directory, 'link.onnx'));
    await changeManifest((manifest) => (manifest.parts.text.file = 'link.onnx'));
    expect(await fault()).toMatchObject({ part: 'text', expected: 'a path inside the pack' });
  });
});

const create = (): Promise<OnnxGenerator> => OnnxGenerator.create({ modelDirectory: directory, threads: 1 });

describe('OnnxGenerator.create', () => {
  it('refuses a part that is another model than the manifest says', async () => {
    await changeManifest(({ parts }) =>
      Object.assign(parts.decoder, { ...parts.text, inputs: parts.decoder.inputs, outputs: parts.decoder.outputs }),
    );
    await expect(create()).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      details: { part: 'decoder', expected: 'inputs latent', found: 'ids' },
    });
  });

  it('refuses a part that is no model', async () => {
    const bytes = Buffer.from('not an ONNX file');
    await writeFile(join(directory, 'decoder.onnx'), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await changeManifest(({ parts }) => Object.assign(parts.decoder, { bytes: bytes.length, sha256 }));
    await expect(create()).rejects.toMatchObject({ code: 'MODEL_INVALID', details: { part: 'decoder' } });
  });
});
