/** `glimpse models`: what the model pack holds, after checking every file of it. */
import type { Config } from '../config.ts';
import { defaultModelDirectory, loadModelPack, partsOf } from '../generation/onnx/model-pack.ts';

export async function models(config: Config): Promise<void> {
  const directory = config.model ?? defaultModelDirectory();
  const pack = await loadModelPack(directory);
  const { manifest } = pack;
  const lines = [
    `${manifest.name} ${manifest.version} (${manifest.license})`,
    `  ${manifest.description}`,
    `  slice: ${manifest.slice.frames} frames at ${manifest.slice.fps} fps; ${manifest.sampler.steps} steps`,
    `  tiers: ${manifest.tiers.map(({ tier, widthPx, heightPx }) => `${tier} ${widthPx}x${heightPx}`).join(', ')}`,
    `  knows: ${manifest.condition.fields.map(({ name, values }) => `${name} (${values.join(', ')})`).join('; ')}`,
    ...partsOf(manifest).map(
      ([name, { file, bytes }]) => `  ${name}: ${file}, ${(bytes / 1e6).toFixed(2)} MB, hash matches`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
