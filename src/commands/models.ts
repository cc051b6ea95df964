/** `glimpse models`: lists the model packs, checks that they are complete, and shows what one of them knows. */
import { basename, resolve } from 'node:path';
import { OnnxRuntime } from '../generation/onnx/runtime/runtime.ts';
import { loadModelPack, type Manifest, partsOf, readManifest } from '../generation/onnx/pack/model-pack.ts';
import { embeddedPacks, findPack, type FoundPack } from '../generation/onnx/pack/pack-catalogue.ts';
import { workerParts } from '../generation/onnx/model/onnx-generator.ts';
import { toGlimpseError } from '../errors.ts';
import { isDiffusersDirectory } from '../generation/onnx/diffusers/export/layout.ts';
import { listedDiffusers, showDiffusers, verifyDiffusers } from './models-diffusers.ts';
import { printTable } from './table.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Lists the bundled packs, and `model` if it is another one. A broken pack is listed with its fault. */
export async function listModels(model: string): Promise<void> {
  const packs = await embeddedPacks();
  if (model !== 'auto') {
    const directory = await findPack(model);
    if (packs.every((pack) => pack.directory !== directory)) packs.push({ name: basename(directory), directory });
  }
  printTable([['pack', 'version', 'licence', 'tiers', 'weights', 'where'], ...(await Promise.all(packs.map(listed)))]);
}

async function listed({ name, directory }: FoundPack): Promise<string[]> {
  try {
    if (isDiffusersDirectory(directory)) return await listedDiffusers(directory);
    const manifest = await readManifest(directory);
    const tiers = manifest.tiers.map((info) => `${info.tier} ${sizeOf(info)}`).join(', ');
    return [manifest.name, manifest.version, manifest.license, tiers, megabytes(weightBytes(manifest)), directory];
  } catch (error) {
    return [name, '', '', toGlimpseError(error).message, '', directory];
  }
}

/**
 * Checks every file of a pack (of all bundled ones when `name` is left out): hashes, sizes, the manifest's shapes
 * against each other, and the graphs' shapes against the manifest's.
 * @throws GlimpseError MODEL_INVALID at the first fault, after printing the checks that passed.
 */
export async function verifyModels(name?: string): Promise<void> {
  const directories =
    name === undefined ? (await embeddedPacks()).map(({ directory }) => directory) : [await findPack(name)];
  for (const directory of directories) await verify(directory);
}

async function verify(directory: string): Promise<void> {
  if (isDiffusersDirectory(directory)) return verifyDiffusers(directory);
  const pack = await loadModelPack(resolve(directory));
  const { manifest } = pack;
  print(`${manifest.name} ${manifest.version}: ${directory}`);
  for (const [part, spec] of partsOf(manifest))
    print(`  ${part}: ${fileOf(spec)}, ${megabytes(spec.bytes)}, hash matches`);
  await using runtime = new OnnxRuntime({ parts: workerParts(pack), threads: 1 });
  await runtime.start();
  print(`  all ${partsOf(manifest).length} parts load, and their shapes fit the manifest`);
}

/** @throws GlimpseError MODEL_INVALID */
export async function showModel(name: string): Promise<void> {
  const directory = await findPack(name);
  if (isDiffusersDirectory(directory)) return showDiffusers(directory);
  const manifest = await readManifest(directory);
  const { slice, sampler, condition, vocabulary, tiers, examples } = manifest;
  print(`${manifest.name} ${manifest.version} (${manifest.license}), ${megabytes(weightBytes(manifest))}`);
  print(`${manifest.description}\n`);
  print(
    `slice    ${slice.frames} frames at ${slice.fps} fps, latent ${manifest.latent.tokens}x${manifest.latent.channels}`,
  );
  print(
    `sampler  ${sampler.steps} steps, sigmas ${sampler.sigmas.join(' ')}, guidance ${sampler.guidance} (${sampler.guidanceRange.join(' to ')})\n`,
  );
  const fast = tiers.some((info) => info.fast);
  printTable([
    ['tier', 'size', ...(fast ? ['made fast'] : [])],
    ...tiers.map((info) => [info.tier, sizeOf(info), ...(fast ? [info.fast ? sizeOf(info.fast) : ''] : [])]),
  ]);
  print('');
  printTable([
    ['part', 'file', 'bytes', 'weights', 'inputs', 'outputs'],
    ...partsOf(manifest).map(([part, { inputs, outputs, ...spec }]) => [
      part,
      fileOf(spec),
      String(spec.bytes),
      spec.variant,
      inputs.map(({ name, shape }) => `${name}[${shape.join()}]`).join(' '),
      outputs.map(({ name, shape }) => `${name}[${shape.join()}]`).join(' '),
    ]),
  ]);
  print('');
  printTable([['field', 'values'], ...condition.fields.map((field) => [field.name, field.values.join(', ')])]);
  print(`\nwords    ${vocabulary.join(' ')}\n`);
  for (const example of examples) print(`example  ${example}`);
}

const sizeOf = ({ widthPx, heightPx }: { widthPx: number; heightPx: number }): string => `${widthPx}x${heightPx}`;

/** With the pack that it is shared with. */
const fileOf = ({ pack, file }: { pack?: string | undefined; file: string }): string =>
  pack === undefined ? file : `${pack}/${file}`;

const weightBytes = (manifest: Manifest): number => partsOf(manifest).reduce((sum, [, { bytes }]) => sum + bytes, 0);
