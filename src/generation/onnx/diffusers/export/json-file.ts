/** JSON files of a model directory. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { packError } from '../../pack/pack-error.ts';

/**
 * @param part for the error
 * @returns the parsed file; undefined when it is not there and `optional`
 * @throws GlimpseError MODEL_INVALID
 */
export async function readJson(path: string, part: string, { optional = false } = {}): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException;
    if (optional && code === 'ENOENT') return undefined;
    throw packError(part, `a readable ${basename(path)}`, code, cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw packError(part, `JSON in ${basename(path)}`, 'a syntax error', cause);
  }
}
