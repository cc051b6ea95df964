/** `glimpse comfyui map`: makes a mapping file of a workflow saved in ComfyUI's editor, and asks what is unclear. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { GlimpseError } from '../../errors.ts';
import { findingsOf, mappingOf, type Findings } from '../../generation/comfyui/workflows/editor/propose-mapping.ts';
import { readGraph } from '../../generation/comfyui/workflows/editor/read-graph.ts';
import { readMapping } from '../../generation/comfyui/workflows/settings.ts';

const WORKFLOW_MAX_BYTES = 16 * 1024 * 1024;

export interface ComfyUiMapOptions {
  /** The workflow file. */
  path: string;
  out: string;
  signal: AbortSignal;
}

/** @throws GlimpseError CONFIG_INVALID when it cannot be read, or there is no terminal to ask at */
export async function comfyUiMap({ path, out, signal }: ComfyUiMapOptions): Promise<void> {
  const graph = readGraph(await readJsonFile(path));
  const found = findingsOf(graph);
  const terminal = process.stdin.isTTY ? createInterface({ input: process.stdin, output: process.stdout }) : undefined;
  try {
    const ask = async (question: string): Promise<string> => {
      if (terminal === undefined)
        throw new GlimpseError('CONFIG_INVALID', { message: `${question} Run this in a terminal to answer.` });
      return terminal.question(`${question} `, { signal });
    };
    const mapping = mappingOf(graph, {
      name: basename(path)
        .replace(/\.json$/i, '')
        .slice(0, 60),
      prompt: (await oneOf(found.prompts, 'Which input takes the prompt?', ask)).place,
      seed: found.seeds.length === 0 ? undefined : (await oneOf(found.seeds, 'Which input takes the seed?', ask)).place,
      pictures: (await oneOf(found.pictures, 'Which pictures are to be sent?', ask)).link,
      ...(await shapeOf(found, ask)),
    });
    await writeFile(out, `${JSON.stringify(mapping, null, 2)}\n`);
  } finally {
    terminal?.close();
  }
  // Says what is wrong with it now, and not when the service starts.
  readMapping(out);
  process.stdout.write(`${out}: glimpse serve --generator comfyui --workflow ${out}\n`);
}

type Ask = (question: string) => Promise<string>;

async function oneOf<Entry extends { label: string }>(
  entries: readonly Entry[],
  question: string,
  ask: Ask,
): Promise<Entry> {
  const [only, ...others] = entries;
  if (only === undefined)
    throw new GlimpseError('CONFIG_INVALID', { message: `${question} The workflow has none that Glimpse knows.` });
  if (others.length === 0) return only;
  const list = entries.map(({ label }, index) => `  ${index + 1}: ${label}`).join('\n');
  const answer = Number(await ask(`${question}\n${list}\nNumber:`));
  const chosen = entries[answer - 1];
  if (chosen === undefined) throw new GlimpseError('CONFIG_INVALID', { message: `There is no number ${answer}.` });
  return chosen;
}

async function shapeOf(
  found: Findings,
  ask: Ask,
): Promise<Required<Pick<Findings, 'widthPx' | 'heightPx' | 'frames' | 'fps'>>> {
  const number = async (value: number | undefined, question: string): Promise<number> =>
    value ?? Number(await ask(question));
  return {
    widthPx: await number(found.widthPx, 'Width of the pictures, px?'),
    heightPx: await number(found.heightPx, 'Height of the pictures, px?'),
    frames: await number(found.frames, 'How many frames does a run make?'),
    fps: await number(found.fps, 'Frames a second?'),
  };
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path);
    if (size > WORKFLOW_MAX_BYTES) throw new GlimpseError('CONFIG_INVALID', { message: `${path} is too large` });
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (cause) {
    if (cause instanceof GlimpseError) throw cause;
    throw new GlimpseError('CONFIG_INVALID', { message: `cannot read ${path} as JSON`, cause });
  }
}
