/**
 * A model pack: a directory with `manifest.json` and ONNX parts. Loading checks everything that needs no run: the
 * manifest's form, that the parts' shapes fit the manifest's latent, condition and tiers, and each file's path, size
 * and sha-256. So a bad pack fails here, by name, and not during a stream.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { areSigmas } from '../../slices/schedule.ts';
import { TIERS } from '../../../picture/tiers.ts';
import { packError } from './pack-error.ts';
import { checkShapes } from './pack-shapes.ts';

const count = z.int().positive();
const evenPx = count.multipleOf(2);
const words = z.array(z.string().min(1));

const tensor = z.object({
  name: z.string().min(1),
  type: z.enum(['int64', 'float32', 'uint8']),
  /** A number is a fixed dimension, a string the name of a free one. */
  shape: z.array(z.union([count, z.string().min(1)])),
});

const part = z.object({
  /** Relative to the pack's directory. */
  file: z.string().min(1),
  /** Name of a shipped pack that holds the file, so that two packs need not hold the same weights twice. */
  pack: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: count,
  /** Numeric kind of the weights, e.g. `fp32`, `int8`. */
  variant: z.string().min(1),
  inputs: z.array(tensor).min(1),
  outputs: z.array(tensor).min(1),
  /** The same part with other weights, best first after the one above; pack-variants.ts chooses. */
  variants: z
    .array(
      z.object({
        file: z.string().min(1),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        bytes: count,
        variant: z.string().min(1),
      }),
    )
    .optional(),
});

const manifestSchema = z.object({
  format: z.literal('glimpse-model-pack/1'),
  name: z.string().min(1),
  version: z.string().min(1),
  license: z.string().min(1),
  description: z.string(),
  slice: z.object({ frames: count, fps: z.number().positive() }),
  latent: z.object({ tokens: count, channels: count }),
  condition: z.object({
    width: count,
    /** Softmax groups of the condition; a field is one wider than its values, id 0 is "unspecified". */
    fields: z.array(
      z.object({
        name: z.string().min(1),
        offset: z.int().nonnegative(),
        values: words.min(1),
        /** If a prompt does not mention the field the seed chooses, unless another field has a value from `unless`. */
        open: z.object({ choices: words.min(1), unless: z.record(z.string(), words) }).optional(),
      }),
    ),
  }),
  tokenizer: z.object({
    kind: z.literal('hashed-words'),
    buckets: z.int().min(2),
    maxWords: count,
    featuresPerWord: count,
  }),
  vocabulary: words,
  examples: words,
  tiers: z
    .array(
      z.object({
        tier: z.enum(TIERS),
        widthPx: evenPx,
        heightPx: evenPx,
        /** Picture size of `fastRefiner`; only for `refined`. */
        fast: z.object({ widthPx: evenPx, heightPx: evenPx }).optional(),
      }),
    )
    .refine(
      (tiers) => tiers.length >= 3 && tiers.every(({ tier }, index) => tier === TIERS[index]),
      'draft, base, refined and perhaps upscaled, in this order',
    ),
  sampler: z
    .object({
      steps: count,
      sigmas: z.array(z.number()).refine(areSigmas, 'sigmas fall from 1 to 0'),
      guidance: z.number(),
      guidanceRange: z.tuple([z.number(), z.number()]),
    })
    .refine(({ steps, sigmas }) => sigmas.length === steps + 1, 'one more sigma than steps')
    .refine(
      ({ guidance, guidanceRange: [low, high] }) => low <= guidance && guidance <= high,
      'guidance within its range',
    ),
  noise: z.object({ particles: count, grainPx: count }),
  parts: z.object({
    text: part,
    denoiser: part,
    decoder: part,
    refiner: part,
    /** Makes `refined` from the same inputs faster, with fewer pixels. */
    fastRefiner: part.optional(),
    /** Makes the tier `upscaled`; a pack has both or neither. */
    upscaler: part.optional(),
  }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type TensorSpec = z.infer<typeof tensor>;
export type Part = z.infer<typeof part>;
export type PartName = keyof Manifest['parts'];

export interface ModelPack {
  directory: string;
  manifest: Manifest;
  /** Absolute path of every part's file. */
  files: Partial<Record<PartName, string>>;
}

/**
 * Reads and checks a pack; reads every file once.
 * @param choose selects a variant of each part; only those files are read. Default: the first.
 * @throws GlimpseError MODEL_INVALID with details `{ part, expected, found }`.
 */
export async function loadModelPack(
  directory: string,
  choose: (manifest: Manifest) => Manifest = (manifest) => manifest,
): Promise<ModelPack> {
  const manifest = choose(await readManifest(resolve(directory)));
  checkShapes(manifest);
  const files: ModelPack['files'] = {};
  for (const [name, part] of partsOf(manifest)) files[name] = await checkFile(homeOf(part, directory), name, part);
  return { directory: resolve(directory), manifest, files };
}

/** The parts a pack has, by name. */
export const partsOf = ({ parts }: Manifest): [name: PartName, part: Part][] =>
  Object.entries(parts) as [PartName, Part][];

/** The directory of a part's file: the pack's own, or that of the pack it is shared with. */
const homeOf = ({ pack }: Part, directory: string): string =>
  pack === undefined ? resolve(directory) : join(dirname(defaultModelDirectory()), pack);

/** `models/glimpse-s` of this package, whether it runs from `src/` or compiled from `dist/src/`. */
export function defaultModelDirectory(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return join(directory, 'models', 'glimpse-s');
}

/** The manifest alone, its form checked. @throws GlimpseError MODEL_INVALID */
export async function readManifest(directory: string): Promise<Manifest> {
  const text = await readFile(join(directory, 'manifest.json'), 'utf8').catch((cause: unknown) => {
    throw packError('manifest.json', 'a readable file', codeOf(cause), cause);
  });
  const result = manifestSchema.safeParse(parseJson(text));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw packError('manifest.json', issue?.message ?? 'a valid manifest', `at ${issue?.path.join('.') || 'the top'}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw packError('manifest.json', 'JSON', 'a syntax error', cause);
  }
}

async function checkFile(directory: string, name: PartName, { file, bytes, sha256 }: Part): Promise<string> {
  const path = resolve(directory, file);
  if (!isInside(directory, path)) throw packError(name, 'a path inside the pack', file);
  const found = await stat(path).catch((cause: unknown) => {
    throw packError(name, `file ${file}`, codeOf(cause), cause);
  });
  if (!isInside(await realpath(directory), await realpath(path))) throw packError(name, 'a path inside the pack', file);
  if (!found.isFile()) throw packError(name, `file ${file}`, 'not a file');
  if (found.size !== bytes) throw packError(name, `${bytes} bytes`, `${found.size} bytes`);
  const digest = await sha256Of(path);
  if (digest !== sha256) throw packError(name, `sha256 ${sha256}`, `sha256 ${digest}`);
  return path;
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && resolve(directory, way) === path;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? 'unreadable';
