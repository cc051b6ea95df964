/**
 * A model pack: a directory with `manifest.json` and ONNX parts. Loading checks everything that needs no run: the
 * manifest's form, that the parts' shapes fit the manifest's latent, condition and tiers, and each file's path, size
 * and sha-256. So a bad pack fails here, by name, and not during a stream.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { manifestSchema, type Manifest, type Part, type PartName, type TensorSpec } from './manifest.ts';
import { packError } from './pack-error.ts';
import { checkShapes } from './pack-shapes.ts';

export type { Manifest, Part, PartName, TensorSpec };

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
