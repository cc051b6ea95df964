/** SECURITY.md and the threat table: every promise and every attack has a test, and what they name is there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Cells of the table that begins with this head, row by row. */
function rows(page: string, head: string): string[][] {
  const lines = read(page).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end).map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')));
}

const codeSpans = (cell: string): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = '']) => code);
const isThere = (path: string): boolean =>
  path.includes('*') ? globSync(path, { cwd: ROOT }).length > 0 : existsSync(join(ROOT, path));
const isTest = (path: string): boolean => path.startsWith('test/');

describe.each([
  ['SECURITY.md', 'promise', rows('SECURITY.md', 'promise')],
  ['docs/security.md', 'attack', rows('docs/security.md', 'attack')],
] as const)('%s', (_page, _head, table) => {
  it('has a test for every row', () => {
    expect(table.length).toBeGreaterThan(10);
    expect(table.filter((row) => !codeSpans(row.at(-1) ?? '').some(isTest))).toEqual([]);
  });

  it('names only tests that are there', () => {
    const named = table.flatMap((row) => codeSpans(row.at(-1) ?? '')).filter(isTest);
    expect(named.filter((path) => !isThere(path))).toEqual([]);
  });
});

it('the files that the defences name are there', () => {
  const named = rows('docs/security.md', 'attack').flatMap((row) => codeSpans(row[1] ?? ''));
  const files = named.filter((code) => /^(signaling|src)\/.*\.ts$/.test(code));
  expect(files.length).toBeGreaterThan(1);
  expect(files.filter((path) => !isThere(path))).toEqual([]);
});
