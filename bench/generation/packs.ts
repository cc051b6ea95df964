/** The packs that a section measures: the one that was asked for, or all that ship. */
import { loadModelPack, type ModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { embeddedPacks, findPack } from '../../src/generation/onnx/pack/pack-catalogue.ts';

/** @throws GlimpseError MODEL_INVALID */
export async function packsOf(model: string): Promise<ModelPack[]> {
  const directories =
    model === 'auto' ? (await embeddedPacks()).map(({ directory }) => directory) : [await findPack(model)];
  return Promise.all(directories.map((directory) => loadModelPack(directory)));
}
