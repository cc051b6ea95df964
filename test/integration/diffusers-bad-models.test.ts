/** Directories that are nearly in the diffusers layout: each fails by name before anything is painted. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToyDiffusers, type ToyDiffusersOptions } from '../../scripts/make-toy-diffusers.ts';
import type { Graph, GraphTensor } from '../../scripts/toy-pack/onnx-file.ts';
import {
  DiffusersGenerator,
  type DiffusersGeneratorOptions,
} from '../../src/generation/onnx/diffusers/diffusers-generator.ts';
import { loadDiffusersModel } from '../../src/generation/onnx/diffusers/export/layout.ts';
import { collect } from '../support/collect.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-bad-diffusers-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A toy with something done to it. */
async function spoilt(
  spoil: (directory: string) => Promise<unknown> = () => Promise.resolve(),
  options: ToyDiffusersOptions = {},
): Promise<string> {
  const directory = await mkdtemp(join(folder, 'model-'));
  await makeToyDiffusers(directory, options);
  await spoil(directory);
  return directory;
}

const without =
  (...path: string[]) =>
  (directory: string): Promise<void> =>
    rm(join(directory, ...path), { recursive: true });
const withFile =
  (path: string, text: string) =>
  (directory: string): Promise<void> =>
    writeFile(join(directory, path), text);
const withFolder = (name: string) => (directory: string) => mkdir(join(directory, name));
/** One tensor of one graph changed. */
const withTensor =
  (graphName: string, tensorName: string, change: Partial<GraphTensor>) =>
  (graph: Graph): Graph => {
    const apply = (tensor: GraphTensor): GraphTensor =>
      graph.name === graphName && tensor.name === tensorName ? { ...tensor, ...change } : tensor;
    return { ...graph, inputs: graph.inputs.map(apply), outputs: graph.outputs.map(apply) };
  };
const invalid = (part: string, expected: string, found: string) => ({
  code: 'MODEL_INVALID',
  details: { part, expected: expect.stringContaining(expected), found: expect.stringContaining(found) },
});

describe('a directory in the diffusers layout', () => {
  it.each([
    ['unet', without('unet'), invalid('unet', 'optimum-cli', 'none')],
    ['text_encoder', without('text_encoder'), invalid('text_encoder', 'optimum-cli', 'none')],
    ['vae_decoder/model.onnx', without('vae_decoder', 'model.onnx'), invalid('vae_decoder', 'model.onnx', 'ENOENT')],
    ['unet/config.json', without('unet', 'config.json'), invalid('unet', 'config.json', 'ENOENT')],
    ['tokenizer', without('tokenizer'), invalid('tokenizer', 'merges.txt', 'neither')],
    ['scheduler', without('scheduler'), invalid('scheduler', 'scheduler_config.json', 'ENOENT')],
  ])('without %s is refused', async (_name, spoil, error) => {
    await expect(loadDiffusersModel(await spoilt(spoil))).rejects.toMatchObject(error);
  });

  it.each([
    ['a broken index', withFile('model_index.json', '{'), invalid('model_index.json', 'JSON', 'syntax')],
    ['a file that is no ONNX', withFile('unet/model.onnx', 'hello'), invalid('unet', 'an ONNX model', '')],
    ['an empty ONNX file', withFile('unet/model.onnx', ''), invalid('unet', 'an ONNX model', 'without inputs')],
    [
      'a config out of range',
      withFile('vae_decoder/config.json', '{"scaling_factor": -1}'),
      invalid('vae_decoder/config.json', '', 'scaling_factor'),
    ],
    ['an edit model', withFile('unet/config.json', '{"in_channels": 9}'), invalid('unet', 'in_channels 4', '9')],
    [
      'an unknown scheduler',
      withFile('scheduler/scheduler_config.json', '{"_class_name": "PNDMScheduler"}'),
      invalid('scheduler/scheduler_config.json', 'EulerDiscreteScheduler', 'PNDMScheduler'),
    ],
    ['two text encoders', withFolder('text_encoder_2'), invalid('text_encoder_2', 'one text encoder', 'Pipeline')],
  ])('with %s is refused', async (_name, spoil, error) => {
    await expect(loadDiffusersModel(await spoilt(spoil))).rejects.toMatchObject(error);
  });

  it.each([
    [
      'a latent of other channels',
      withTensor('unet', 'sample', { shape: ['batch_size', 9, 'height', 'width'] }),
      invalid('unet', 'sample with 4', '9'),
    ],
    [
      'another text width',
      withTensor('text_encoder', 'last_hidden_state', { shape: ['batch_size', 'sequence_length', 12] }),
      invalid('unet', 'encoder_hidden_states with 12', '8'),
    ],
    [
      'a picture of four channels',
      withTensor('vae_decoder', 'sample', { shape: ['batch_size', 4, 'height', 'width'] }),
      invalid('vae_decoder', 'sample with 3', '4'),
    ],
    [
      'ids that are no integers',
      withTensor('text_encoder', 'input_ids', { type: 'float32' }),
      invalid('text_encoder', 'input_ids int64 or int32', 'float32'),
    ],
    [
      'an input nobody feeds',
      (graph: Graph): Graph =>
        graph.name === 'unet'
          ? { ...graph, inputs: [...graph.inputs, { name: 'time_ids', type: 'float32', shape: ['batch_size', 6] }] }
          : graph,
      invalid('unet', 'encoder_hidden_states', 'time_ids'),
    ],
  ])('with %s is refused', async (_name, change, error) => {
    const directory = await spoilt(undefined, { change });
    await expect(loadDiffusersModel(directory)).rejects.toMatchObject(error);
  });

  it('without the file that holds its weights is refused, and so is one that points elsewhere', async () => {
    const directory = await spoilt(without('unet', 'model.onnx_data'), { externalData: true });
    await expect(loadDiffusersModel(directory)).rejects.toMatchObject(invalid('unet', 'model.onnx_data', 'ENOENT'));
    const outside = (graph: Graph): Graph => ({
      ...graph,
      constants: graph.constants.map((constant) => ({
        ...constant,
        external: { location: '../../etc/passwd', offset: 0 },
      })),
    });
    const hostile = await spoilt(undefined, { change: outside });
    await expect(loadDiffusersModel(hostile)).rejects.toMatchObject(
      invalid('text_encoder', 'weights beside the model', 'passwd'),
    );
  });

  it('that is none, or a file, is refused', async () => {
    await expect(loadDiffusersModel(join(folder, 'nowhere'))).rejects.toMatchObject(
      invalid('model', 'a directory', ''),
    );
    const file = join(await spoilt(), 'model_index.json');
    await expect(loadDiffusersModel(file)).rejects.toMatchObject(invalid('model', 'a directory', 'a file'));
  });
});

describe('what only running shows', () => {
  const create = async (options: Partial<DiffusersGeneratorOptions> & { change?: (graph: Graph) => Graph }) => {
    const { change, ...rest } = options;
    const modelDirectory = await spoilt(undefined, change ? { change } : {});
    return DiffusersGenerator.create({ modelDirectory, threads: 1, ...rest });
  };

  it('a decoder that paints another size is refused at its first picture', async () => {
    const half = (graph: Graph): Graph => ({
      ...graph,
      nodes: graph.nodes.map((node) => (node.op === 'DepthToSpace' ? { ...node, attributes: { blocksize: 4 } } : node)),
    });
    // An export may leave every dimension open, so that only the picture itself tells.
    const shape = ['batch_size', 'channels', 'height', 'width'];
    const unchecked = (graph: Graph): Graph => withTensor('vae_decoder', 'sample', { shape })(half(graph));
    await using generator = await create({ change: unchecked, size: '64x64' });
    const job = { revision: 0, slice: 0, prompt: 'red', seed: 1, startMs: 0, stopAtTier: 'base' } as const;
    const { signal } = new AbortController();
    await expect(collect(generator.generate(job, { signal }))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('a size it cannot paint is named with the nearest', async () => {
    await expect(create({ size: '100x90' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('128x64'),
    });
  });

  it('a memory budget too small is named', async () => {
    await expect(create({ budgetBytes: 1000 })).rejects.toMatchObject({ code: 'MEMORY_BUDGET' });
  });

  it.each(['cuda', 'webgpu'] as const)('%s, where there is none, is named with what to do', async (provider) => {
    // A machine that has it runs the toy instead.
    const outcome = await create({ provider }).then(
      async (generator) => {
        await generator.close();
        return 'runs';
      },
      (error: unknown) => error,
    );
    if (outcome === 'runs') return;
    expect(outcome).toMatchObject({ code: 'PROVIDER_MISSING', message: expect.stringContaining('--provider cpu') });
  });
});
