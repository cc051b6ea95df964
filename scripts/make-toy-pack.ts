/**
 * `node scripts/make-toy-pack.ts DIR`: writes the smallest model pack that loads, verifies and generates; docs/models.md
 * walks through it. `--no-upscaler` leaves the optional part and its tier out.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../src/generation/onnx/pack/model-pack.ts';
import { partEntry, toyManifest } from './toy-pack/manifest.ts';
import { type Graph, onnxFile } from './toy-pack/onnx-file.ts';
import { decoderPart, denoiserPart, refinerPart, textPart, upscalerPart } from './toy-pack/parts.ts';

export interface ToyPackOptions {
  /** Default true. */
  upscaler?: boolean;
}

/** Writes the pack into `directory`, which is made when it is not there. */
export async function makeToyPack(directory: string, { upscaler = true }: ToyPackOptions = {}): Promise<void> {
  await mkdir(directory, { recursive: true });
  const write = async (graph: Graph): Promise<Part> => {
    const file = onnxFile(graph);
    await writeFile(join(directory, `${graph.name}.onnx`), file);
    return partEntry(graph, file);
  };
  const manifest = toyManifest({
    text: await write(textPart()),
    denoiser: await write(denoiserPart()),
    decoder: await write(decoderPart()),
    refiner: await write(refinerPart()),
    ...(upscaler ? { upscaler: await write(upscalerPart()) } : {}),
  });
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

if (import.meta.main) {
  const [directory, ...flags] = process.argv.slice(2);
  if (directory === undefined) {
    process.stderr.write('usage: node scripts/make-toy-pack.ts DIR [--no-upscaler]\n');
    process.exitCode = 1;
  } else {
    await makeToyPack(directory, { upscaler: !flags.includes('--no-upscaler') });
    process.stdout.write(`${directory}: a model pack\n`);
  }
}
