/** Finds model packs: those that ship under `models/`, by name, and any directory. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { GlimpseError } from '../../../errors.ts';
import { defaultModelDirectory } from './model-pack.ts';

/** Best pictures first; other shipped packs come after them. */
const PREFERENCE = ['glimpse-s', 'glimpse-xs'];

export interface FoundPack {
  name: string;
  directory: string;
}

const modelsDirectory = (): string => dirname(defaultModelDirectory());

/** The packs that ship, best pictures first: every folder of `models/` with a manifest. */
export async function embeddedPacks(): Promise<FoundPack[]> {
  const names = await readdir(modelsDirectory()).catch(() => []);
  const rank = (name: string): number => (PREFERENCE.includes(name) ? PREFERENCE.indexOf(name) : PREFERENCE.length);
  return names
    .toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((name) => ({ name, directory: join(modelsDirectory(), name) }))
    .filter(({ directory }) => existsSync(join(directory, 'manifest.json')));
}

/**
 * The directory that `--model` means: of a shipped pack by name, or a path.
 * @throws GlimpseError MODEL_INVALID when there is neither.
 */
export async function findPack(nameOrDirectory: string): Promise<string> {
  const packs = await embeddedPacks();
  const named = packs.find(({ name }) => name === nameOrDirectory);
  if (named) return named.directory;
  if (existsSync(nameOrDirectory)) return resolve(nameOrDirectory);
  throw new GlimpseError('MODEL_INVALID', {
    message: `There is no model pack "${nameOrDirectory}": it is neither a directory nor one of ${packs.map(({ name }) => name).join(', ')}.`,
    details: { part: 'manifest.json', expected: 'a name or a directory', found: nameOrDirectory },
  });
}
