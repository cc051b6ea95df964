/**
 * Files that an operator writes for the ComfyUI backend: parameters of the LTX-2 workflows, and a mapping that makes
 * any other graph a workflow. Read and checked once at the start; errors name the field.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { withoutEditorSchema } from '../../../config/editor-schema.ts';
import { GlimpseError } from '../../../errors.ts';
import { areSigmas } from '../../slices/schedule.ts';
import { CAMERA_MOVES, CONTROLS, FAMILY_NAMES } from './ltx/families.ts';
import type { Mapping } from './mapped-workflow.ts';

const fileName = z.string().min(1).max(300);
const strength = z.number().min(-2).max(2);
const share = z.number().min(0).max(1);
const fourShares = z.tuple([share, share, share, share]);
const framesPerSecond = z.number().min(1).max(60);
/** A second stage begins below 1. */
const sigmas = z
  .array(share)
  .min(2)
  .max(101)
  .refine((values) => areSigmas([1, ...values.filter((sigma) => sigma < 1)]), 'must fall from at most 1 to 0');

const parametersSchema = z.strictObject({
  model: z
    .enum(['2', ...FAMILY_NAMES])
    .transform((name) => (name === '2' ? '2.0' : name))
    .optional(),
  textEncoder: fileName.optional(),
  videoVae: fileName.optional(),
  audioVae: fileName.optional(),
  upscaler: fileName.optional(),
  distilledLora: fileName.optional(),
  controlLora: fileName.optional(),
  negativePrompt: z.string().max(1_000).optional(),
  frames: z.number().int().min(9).max(993).default(121),
  fps: framesPerSecond.default(24),
  overlapFrames: z.union([z.literal(1), z.literal(9), z.literal(17)]).default(9),
  steps: z.number().int().min(1).max(100).optional(),
  sigmas: sigmas.optional(),
  refineSigmas: sigmas.optional(),
  sampler: fileName.optional(),
  refineSampler: fileName.optional(),
  guidance: z.number().min(1).max(20).optional(),
  loras: z
    .array(z.strictObject({ name: fileName, strength: strength.default(1) }))
    .max(8)
    .default([]),
  cameraMove: z.enum(CAMERA_MOVES).optional(),
  imageStrength: share.optional(),
  control: z.enum(CONTROLS).default('canny'),
  controlStrength: strength.default(1),
  tracks: z
    .array(
      z
        .array(z.tuple([share, share]))
        .min(1)
        .max(200),
    )
    .max(50)
    .default([]),
  region: fourShares.default([0.25, 0.25, 0.5, 0.5]),
  border: fourShares.default([0.25, 0, 0.25, 0]),
  referenceAudio: fileName.optional(),
  sound: z.boolean().default(true),
  upscale: z.boolean().default(false),
  lowVram: z.boolean().default(false),
  tiledDecode: z.boolean().default(true),
});
export type ParametersFile = z.infer<typeof parametersSchema>;

const place = z.tuple([z.string(), z.string()]);
const tierSize = z.strictObject({
  tap: z.string(),
  widthPx: z.number().int().min(16).max(4096).multipleOf(2),
  heightPx: z.number().int().min(16).max(4096).multipleOf(2),
});
const link = z.tuple([z.string(), z.number()]).readonly();
const inputValue = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  link,
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]);

const mappingSchema = z.strictObject({
  name: z.string().min(1).max(60),
  /** The graph in the prompt format ("Export (API)" in ComfyUI). */
  graph: z.record(
    z.string(),
    z.object({
      class_type: z.string(),
      inputs: z.record(z.string(), inputValue),
    }),
  ),
  /** Where values go: node id and input name. */
  inputs: z.strictObject({
    prompt: place,
    seed: place.optional(),
    guidance: place.optional(),
    /** Takes the last frame of the slice before; without it slices do not continue each other. */
    firstFrame: place.optional(),
  }),
  tiers: z
    .strictObject({ base: tierSize.optional(), refined: tierSize.optional() })
    .refine(({ base, refined }) => base !== undefined || refined !== undefined, 'needs base or refined'),
  frames: z.number().int().min(2).max(4096),
  fps: framesPerSecond,
});

/** Defaults without a file. @throws GlimpseError CONFIG_INVALID naming each wrong field */
export const readParameters = (path: string | undefined): ParametersFile =>
  checked(parametersSchema, path === undefined ? {} : withoutEditorSchema(readJson(path)), path ?? 'the defaults');

/** @throws GlimpseError CONFIG_INVALID */
export function readMapping(path: string): Mapping {
  const mapping = checked(mappingSchema, withoutEditorSchema(readJson(path)), path);
  const { graph, inputs, tiers } = mapping;
  for (const [nodeId, input] of Object.values(inputs).filter((given) => given !== undefined))
    if (graph[nodeId]?.inputs[input] === undefined)
      throw new GlimpseError('CONFIG_INVALID', {
        message: `${path}: the graph has no input ${input} of node ${nodeId}`,
      });
  for (const { tap } of Object.values(tiers).filter((tier) => tier !== undefined))
    if (graph[tap]?.class_type !== 'SaveImageWebsocket')
      throw new GlimpseError('CONFIG_INVALID', { message: `${path}: node ${tap} is no SaveImageWebsocket` });
  // Lists and objects in the graph pass through as they are.
  return mapping as Mapping;
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown, path: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: field, message }) => `${field.join('.') || 'file'}: ${message}`);
  throw new GlimpseError('CONFIG_INVALID', { message: `${path}: ${problems.join('; ')}` });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new GlimpseError('CONFIG_INVALID', { message: `cannot read ${path} as JSON`, cause });
  }
}
