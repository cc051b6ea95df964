/**
 * `glimpse bench compare OLD NEW`: what moved between two reports of one suite, figure by figure. Knows nothing of any
 * suite: a figure is a number or a truth value at a path in the JSON, and list entries that have a name go by that.
 */
import { readFileSync } from 'node:fs';
import { GlimpseError } from '../src/errors.ts';
import { textTable } from './report.ts';

type Figure = number | boolean | null;

export interface Change {
  path: string;
  /** Undefined: the report has no such figure. */
  before: Figure | undefined;
  after: Figure | undefined;
}

/** Less than this share of the larger value is noise to a reader, though virtual time has none. */
const MOVED = 0.01;
/** Where and when it was measured is not what was measured. */
const NOT_FIGURES = new Set(['machine', 'seed', 'durationMs']);

/** Every figure that moved by a hundredth or more, in the order of the newer report; then those that are gone. */
export function compare(before: unknown, after: unknown): Change[] {
  const old = new Map(figures(before, ''));
  const changes: Change[] = [];
  for (const [path, value] of figures(after, '')) {
    if (moved(old.get(path), value)) changes.push({ path, before: old.get(path), after: value });
    old.delete(path);
  }
  for (const [path, value] of old) changes.push({ path, before: value, after: undefined });
  return changes;
}

/** @throws GlimpseError PARAMETER_INVALID for a file that cannot be read or is not JSON, and for reports of two suites. */
export function compareFiles(oldFile: string, newFile: string): Change[] {
  const [before, after] = [read(oldFile), read(newFile)];
  const [old, newer] = [suiteOf(before), suiteOf(after)];
  if (old === newer) return compare(before, after);
  const message = `compare takes two reports of one suite: ${oldFile} is of ${old}, ${newFile} of ${newer}`;
  throw new GlimpseError('PARAMETER_INVALID', { message });
}

const suiteOf = (report: unknown): string =>
  typeof report === 'object' && report !== null && 'suite' in report && typeof report.suite === 'string'
    ? report.suite
    : 'no suite';

export function formatChanges(changes: readonly Change[]): string {
  if (changes.length === 0) return 'nothing moved';
  const rows = changes.map(({ path, before, after }) => [path, shown(before), shown(after), shift(before, after)]);
  return textTable([['figure', 'before', 'after', 'moved'], ...rows]);
}

function* figures(value: unknown, path: string): Generator<[string, Figure]> {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') {
    yield [path, value];
  } else if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) yield* figures(entry, join(path, nameOf(entry) ?? `${index}`));
  } else if (typeof value === 'object') {
    for (const [key, entry] of Object.entries(value)) {
      if (!NOT_FIGURES.has(key)) yield* figures(entry, join(path, key));
    }
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path} ${key}`);

const nameOf = (entry: unknown): string | undefined =>
  typeof entry === 'object' && entry !== null && 'name' in entry && typeof entry.name === 'string'
    ? entry.name
    : undefined;

function moved(before: Figure | undefined, after: Figure): boolean {
  if (typeof before !== 'number' || typeof after !== 'number') return before !== after;
  return Math.abs(after - before) > MOVED * Math.max(Math.abs(before), Math.abs(after));
}

const shown = (figure: Figure | undefined): string => (figure === undefined ? '-' : String(figure));

function shift(before: Figure | undefined, after: Figure | undefined): string {
  if (typeof before !== 'number' || typeof after !== 'number' || before === 0) return '';
  const percent = (after / before - 1) * 100;
  return `${percent > 0 ? '+' : ''}${percent.toFixed(1)}%`;
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GlimpseError('PARAMETER_INVALID', { message: `cannot compare with ${file}: ${reason}`, cause });
  }
}
