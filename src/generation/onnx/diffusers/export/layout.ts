/**
 * Reads a directory in the Diffusers layout, exported to ONNX by Hugging Face Optimum: `model_index.json`, a folder per
 * part. Checks everything that can be known without loading weights, so that a misfit fails by name.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { packError } from '../../pack/pack-error.ts';
import { readJson } from './json-file.ts';
import { readSignature, type OnnxSignature } from './onnx-signature.ts';
import { checkDecoder, checkDenoiser, checkTextEncoder } from './part-checks.ts';
import { PromptTokenizer } from '../prompt-tokens.ts';
import { samplerFrom, type ChosenSampler } from '../sampling/scheduler-config.ts';

const INDEX = 'model_index.json';
const count = z.int().positive();
const side = z.union([count, z.tuple([count, count]).transform(([height]) => height)]);

const indexSchema = z.object({ _class_name: z.string().default('a pipeline'), _name_or_path: z.string().optional() });
const denoiserSchema = z.object({
  sample_size: side.default(64),
  in_channels: count.default(4),
  /** Width of the guidance embedding of models distilled with one (LCM). */
  time_cond_proj_dim: count.nullish(),
});
const decoderSchema = z.object({
  latent_channels: count.default(4),
  scaling_factor: z.number().positive().default(0.18215),
  shift_factor: z.number().nullish(),
  block_out_channels: z.array(count).min(1).default([128, 256, 512, 512]),
});
const encoderSchema = z.object({ max_position_embeddings: count.default(77) });

export interface DiffusersPart {
  folder: string;
  /** Absolute path of its ONNX file. */
  path: string;
  signature: OnnxSignature;
}

export interface DiffusersModel {
  directory: string;
  name: string;
  pipeline: string;
  textEncoder: DiffusersPart;
  denoiser: DiffusersPart & { guidanceWidth: number | undefined };
  decoder: DiffusersPart;
  /** Folders with a model that nothing here needs, e.g. `vae_encoder`. */
  unused: string[];
  tokenizer: PromptTokenizer;
  scheduler: ChosenSampler;
  /** Latent channels, the latent side the model was made for, and picture pixels per latent pixel (`scale`). */
  latent: { channels: number; sidePx: number; scale: number; scalingFactor: number; shiftFactor: number };
}

/** True when a directory is laid out this way. */
export const isDiffusersDirectory = (directory: string): boolean =>
  existsSync(join(directory, INDEX)) && !existsSync(join(directory, 'manifest.json'));

/** @throws GlimpseError MODEL_INVALID with details `{ part, expected, found }` */
export async function loadDiffusersModel(directory: string): Promise<DiffusersModel> {
  const root = resolve(directory);
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory()) throw packError('model', 'a directory', found ? 'a file' : `nothing at ${root}`);
  const index = checked(indexSchema, await readJson(join(root, INDEX), INDEX), INDEX);
  const folder = existsSync(join(root, 'unet')) || !existsSync(join(root, 'transformer')) ? 'unet' : 'transformer';
  refuseOtherParts(root, index._class_name);
  const textEncoder = await readPart(root, 'text_encoder');
  const denoiser = await readPart(root, folder);
  const decoder = await readPart(root, 'vae_decoder');
  const encoderConfig = checked(encoderSchema, await configOf(root, 'text_encoder'), 'text_encoder/config.json');
  const denoiserConfig = checked(denoiserSchema, await configOf(root, folder), `${folder}/config.json`);
  const decoderConfig = checked(decoderSchema, await configOf(root, 'vae_decoder'), 'vae_decoder/config.json');
  const latent = {
    channels: decoderConfig.latent_channels,
    sidePx: denoiserConfig.sample_size,
    scale: 2 ** (decoderConfig.block_out_channels.length - 1),
    scalingFactor: decoderConfig.scaling_factor,
    shiftFactor: decoderConfig.shift_factor ?? 0,
  };
  if (denoiserConfig.in_channels !== latent.channels)
    throw packError(
      folder,
      `in_channels ${latent.channels}, as the decoder has`,
      `${denoiserConfig.in_channels} (an inpainting or edit model?)`,
    );
  const { width } = checkTextEncoder(textEncoder);
  const guidanceWidth = denoiserConfig.time_cond_proj_dim ?? undefined;
  checkDenoiser(denoiser, { channels: latent.channels, textWidth: width, guidanceWidth });
  checkDecoder(decoder, latent.channels);
  return {
    directory: root,
    name: basename(index._name_or_path ?? root),
    pipeline: index._class_name,
    textEncoder,
    denoiser: { ...denoiser, guidanceWidth },
    decoder,
    unused: ['vae_encoder', 'safety_checker'].filter((other) => existsSync(join(root, other))),
    tokenizer: await PromptTokenizer.load(join(root, 'tokenizer'), encoderConfig.max_position_embeddings),
    scheduler: samplerFrom(await readJson(join(root, 'scheduler', 'scheduler_config.json'), 'scheduler')),
    latent,
  };
}

/** Refuses pipelines with several text encoders: they need more than ids, and would run but paint nonsense. */
function refuseOtherParts(root: string, pipeline: string): void {
  const second = ['text_encoder_2', 'text_encoder_3'].find((folder) => existsSync(join(root, folder)));
  if (second === undefined) return;
  throw packError(second, 'a pipeline with one text encoder (Stable Diffusion 1 and 2, SD-Turbo, LCM)', pipeline);
}

async function readPart(root: string, folder: string): Promise<DiffusersPart> {
  if (!existsSync(join(root, folder)))
    throw packError(folder, `a folder ${folder}/ (optimum-cli export onnx writes it)`, 'none');
  const path = join(root, folder, 'model.onnx');
  return { folder, path, signature: await readSignature(path, folder) };
}

const configOf = (root: string, folder: string): Promise<unknown> =>
  readJson(join(root, folder, 'config.json'), folder);

function checked<Value>(schema: z.ZodType<Value>, value: unknown, file: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0] ?? { path: [], message: 'a valid file' };
  throw packError(file, message, `at ${path.join('.') || 'the top'}`);
}
