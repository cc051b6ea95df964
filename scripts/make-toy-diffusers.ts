/**
 * `node scripts/make-toy-diffusers.ts DIR [euler|lcm|flow-match] [--fp16] [--external-data] [--old-tokenizer]`: writes a
 * tiny image model of random weights in the layout that `optimum-cli export onnx` writes; docs/diffusers.md.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clipTokenizerJson } from '../src/generation/onnx/diffusers/clip-tokenizer.ts';
import {
  BETAS,
  CHANNELS,
  decoder,
  denoiser,
  GUIDANCE_WIDTH,
  SCALING_FACTOR,
  textEncoder,
  type ToyKind,
} from './toy-diffusers/graphs.ts';
import { END, LENGTH, START, toyVocabulary } from './toy-diffusers/vocabulary.ts';
import { type Graph, onnxFile } from './toy-pack/onnx-file.ts';

export interface ToyDiffusersOptions {
  /** Which scheduler it is made for. Default: euler. */
  kind?: ToyKind;
  /** Weights, inputs and outputs in 16 bits. */
  fp16?: boolean;
  /** Weights in a file of their own beside each model, as exports over 2 GB have them. */
  externalData?: boolean;
  /** `vocab.json` and `merges.txt` instead of `tokenizer.json`, as older exports have them. */
  oldTokenizer?: boolean;
  /** Changes a graph before it is written. */
  change?: (graph: Graph) => Graph;
}

const SCHEDULERS = {
  euler: { _class_name: 'EulerDiscreteScheduler', prediction_type: 'epsilon', timestep_spacing: 'trailing' },
  lcm: { _class_name: 'LCMScheduler', prediction_type: 'epsilon', original_inference_steps: 50 },
  'flow-match': { _class_name: 'FlowMatchEulerDiscreteScheduler', num_train_timesteps: 1000, shift: 3 },
} as const;

const betas = {
  beta_start: BETAS.start,
  beta_end: BETAS.end,
  beta_schedule: BETAS.schedule,
  num_train_timesteps: BETAS.trainSteps,
};

/** Writes the model into `directory`, which is made when it is not there. */
export async function makeToyDiffusers(directory: string, options: ToyDiffusersOptions = {}): Promise<void> {
  const { kind = 'euler', fp16 = false, change = (graph) => graph } = options;
  const numbers = { float: fp16 ? 'float16' : 'float32', integer: fp16 ? 'int32' : 'int64' } as const;
  const vocabulary = toyVocabulary();
  const json = async (path: string, value: unknown): Promise<void> => {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), `${JSON.stringify(value, null, 2)}\n`);
  };
  const words = Object.keys(vocabulary.ids).length;
  for (const graph of [textEncoder(words, numbers), denoiser(kind, numbers), decoder(numbers)])
    await writeModel(join(directory, graph.name), change(graph), options.externalData ?? false);
  const isFlow = kind === 'flow-match';
  await json('model_index.json', {
    _class_name: isFlow
      ? 'FlowMatchPipeline'
      : kind === 'lcm'
        ? 'LatentConsistencyModelPipeline'
        : 'StableDiffusionPipeline',
    _name_or_path: 'toy/toy-diffusers',
  });
  await json('text_encoder/config.json', { max_position_embeddings: LENGTH });
  await json(`${isFlow ? 'transformer' : 'unet'}/config.json`, {
    sample_size: 16,
    in_channels: CHANNELS,
    ...(kind === 'lcm' ? { time_cond_proj_dim: GUIDANCE_WIDTH } : {}),
  });
  await json('vae_decoder/config.json', {
    latent_channels: CHANNELS,
    scaling_factor: SCALING_FACTOR,
    block_out_channels: [8, 8, 8, 8],
  });
  await json('scheduler/scheduler_config.json', { ...SCHEDULERS[kind], ...(isFlow ? {} : betas) });
  await json('tokenizer/tokenizer_config.json', {
    model_max_length: LENGTH,
    bos_token: START,
    eos_token: END,
    pad_token: END,
    unk_token: END,
  });
  if (options.oldTokenizer) {
    await json('tokenizer/vocab.json', vocabulary.ids);
    await writeFile(join(directory, 'tokenizer', 'merges.txt'), `#version: 0.2\n${vocabulary.merges.join('\n')}\n`);
  } else {
    await json('tokenizer/tokenizer.json', clipTokenizerJson(vocabulary.ids, vocabulary.merges.join('\n')));
  }
}

async function writeModel(folder: string, graph: Graph, external: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!external) return writeFile(join(folder, 'model.onnx'), onnxFile(graph));
  const location = 'model.onnx_data';
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const constants = graph.constants.map((constant) => {
    const { data } = constant;
    // Shapes and axes stay inside: onnxruntime folds them while it loads.
    if (data instanceof BigInt64Array) return constant;
    const from = offset;
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
    return { ...constant, external: { location, offset: from } };
  });
  await writeFile(join(folder, 'model.onnx'), onnxFile({ ...graph, constants }));
  await writeFile(join(folder, location), Buffer.concat(chunks));
}

if (import.meta.main) {
  const [directory, ...words] = process.argv.slice(2);
  if (directory === undefined) {
    process.stderr.write(
      'usage: node scripts/make-toy-diffusers.ts DIR [euler|lcm|flow-match] [--fp16] [--external-data] [--old-tokenizer]\n',
    );
    process.exitCode = 1;
  } else {
    const kind = (Object.keys(SCHEDULERS) as ToyKind[]).find((known) => words.includes(known)) ?? 'euler';
    await makeToyDiffusers(directory, {
      kind,
      fp16: words.includes('--fp16'),
      externalData: words.includes('--external-data'),
      oldTokenizer: words.includes('--old-tokenizer'),
    });
    process.stdout.write(`${directory}: a model in the diffusers layout (${kind})\n`);
  }
}
