/**
 * A section of `glimpse bench generation`: one question, answered with figures. Each is a file of `sections/` whose
 * default export is a `Section`; a new file is found by itself.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GlimpseError } from '../../src/errors.ts';

export interface Figure {
  /** Unique within its section, e.g. `glimpse-s draft`. */
  name: string;
  value: number;
  /** `ms`, `MiB`, `share of one core`, … */
  unit: string;
  /** What nothing of ours can beat, measured in the same run. */
  limit?: number;
  /** What the task asks for. */
  goal?: { atMost: number } | { atLeast: number };
  /** Its place in a grid of its section, where many figures measure the same at several sizes. */
  cell?: { row: string; column: string };
}

export interface SectionContext {
  /** Pack to measure, a name or a directory; `auto` for those that ship. */
  model: string;
  /** A few runs instead of enough for a published figure. */
  quick: boolean;
  /** What is being measured now, for the progress bar. */
  onProgress: (what: string) => void;
}

export interface Section {
  /** Also the word for `--section`. */
  name: string;
  /** The question, for the reader of the table. */
  title: string;
  /** Smaller first. */
  order: number;
  /** Takes too long to be run with the others: only where it is named. */
  onlyByName?: boolean;
  /** What it draws by, where it draws: reported with its figures. */
  seed?: number;
  run(context: SectionContext): Promise<Figure[]>;
}

/** All of `sections/`, in their order. @param only names; when empty all but those that run only by name. @throws GlimpseError PARAMETER_INVALID */
export async function loadSections(only: readonly string[] = []): Promise<Section[]> {
  const folder = join(import.meta.dirname, 'sections');
  const files = (await readdir(folder)).filter((name) => /(?<!\.d)\.[jt]s$/.test(name));
  const modules = await Promise.all(
    files.map((file) => import(pathToFileURL(join(folder, file)).href) as Promise<{ default: Section }>),
  );
  const sections = modules.map((module) => module.default).toSorted((a, b) => a.order - b.order);
  const unknown = only.find((name) => sections.every((section) => section.name !== name));
  if (unknown !== undefined) {
    const message = `no section "${unknown}": there are ${sections.map(({ name }) => name).join(', ')}`;
    throw new GlimpseError('PARAMETER_INVALID', { message });
  }
  return sections.filter(({ name, onlyByName }) => (only.length === 0 ? !onlyByName : only.includes(name)));
}

/** True when there is no goal, or it is met. */
export const isMet = ({ value, goal }: Figure): boolean =>
  goal === undefined || ('atMost' in goal ? value <= goal.atMost : value >= goal.atLeast);
