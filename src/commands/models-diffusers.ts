/** `glimpse models` for a directory in the diffusers layout: its parts, and whether it can generate. */
import { DiffusersGenerator } from '../generation/onnx/diffusers/diffusers-generator.ts';
import { loadDiffusersModel, type DiffusersModel } from '../generation/onnx/diffusers/export/layout.ts';
import { pictureSettings } from '../generation/onnx/diffusers/picture-settings.ts';
import { printTable } from './table.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

const partsOf = ({ textEncoder, denoiser, decoder }: DiffusersModel) => [textEncoder, denoiser, decoder];
const weightBytes = (model: DiffusersModel): number =>
  partsOf(model).reduce((sum, { signature }) => sum + signature.bytes, 0);

/** A row of `glimpse models list`. @throws GlimpseError MODEL_INVALID */
export async function listedDiffusers(directory: string): Promise<string[]> {
  const model = await loadDiffusersModel(directory);
  const { tiers } = pictureSettings(model, {});
  const sizes = tiers.map(({ tier, widthPx, heightPx }) => `${tier} ${widthPx}x${heightPx}`).join(', ');
  return [model.name, model.pipeline, '', sizes, megabytes(weightBytes(model)), directory];
}

/** @throws GlimpseError MODEL_INVALID */
export async function showDiffusers(directory: string): Promise<void> {
  const model = await loadDiffusersModel(directory);
  const { steps, guidance, tiers } = pictureSettings(model, {});
  const { latent, scheduler, tokenizer, unused } = model;
  print(`${model.name}, a ${model.pipeline} in the diffusers layout, ${megabytes(weightBytes(model))}\n`);
  print(`latent   ${latent.channels} channels of ${latent.sidePx}x${latent.sidePx}, ${latent.scale} px each`);
  print(
    `sampler  ${scheduler.name}, ${steps} steps (--steps), guidance ${guidance.default} (${guidance.range.join(' to ')})`,
  );
  print(`prompt   up to ${tokenizer.length} tokens`);
  if (unused.length > 0) print(`unused   ${unused.join(', ')}`);
  print('');
  printTable([['tier', 'size'], ...tiers.map(({ tier, widthPx, heightPx }) => [tier, `${widthPx}x${heightPx}`])]);
  print('');
  printTable([
    ['part', 'bytes', 'inputs', 'outputs'],
    ...partsOf(model).map(({ folder, signature: { bytes, inputs, outputs } }) => [
      folder,
      String(bytes),
      inputs.map(({ name, type, shape }) => `${name} ${type}[${shape.join()}]`).join(' '),
      outputs.map(({ name, type, shape }) => `${name} ${type}[${shape.join()}]`).join(' '),
    ]),
  ]);
}

/** Loads every part and generates one picture, to prove that open shapes fit. @throws GlimpseError MODEL_INVALID */
export async function verifyDiffusers(directory: string): Promise<void> {
  await using generator = await DiffusersGenerator.create({ modelDirectory: directory, threads: 1 });
  print(`${generator.info.name}: ${directory}`);
  for (const { name, residentBytes } of (await generator.memory.report()).parts)
    print(`  ${name}: loads, ${megabytes(residentBytes)} in memory`);
  await generator.warmUp();
  const { widthPx, heightPx } = generator.info.tiers.at(-1) ?? { widthPx: 0, heightPx: 0 };
  print(`  one picture of ${widthPx}x${heightPx} was painted`);
}
