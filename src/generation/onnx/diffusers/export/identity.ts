/**
 * A digest of what the pictures of a diffusers directory depend on besides the job. Weights are gigabytes: they count
 * by size and time of change, settings and vocabularies by their content.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiffusersGeneratorOptions } from '../diffusers-generator.ts';

/** Folders of the parts that make pictures. */
const FOLDERS = ['text_encoder', 'unet', 'transformer', 'vae_decoder', 'tokenizer', 'scheduler'];
const IS_TEXT = /\.(json|txt)$/;

export async function diffusersIdentity({
  modelDirectory,
  size,
  steps,
  provider,
}: Pick<DiffusersGeneratorOptions, 'modelDirectory' | 'size' | 'steps' | 'provider'>): Promise<string> {
  const whole = createHash('sha256').update(JSON.stringify([size, steps, provider]));
  for (const folder of FOLDERS) {
    const names = await readdir(join(modelDirectory, folder)).catch(() => []);
    for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
      const path = join(modelDirectory, folder, name);
      const { size: bytes, mtimeMs } = await stat(path);
      const content = IS_TEXT.test(name) ? await readFile(path) : JSON.stringify([bytes, mtimeMs]);
      whole.update(JSON.stringify([folder, name])).update(createHash('sha256').update(content).digest());
    }
  }
  return whole.digest('hex');
}
