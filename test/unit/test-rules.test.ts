/** What keeps tests from failing on a busy machine: they wait for events, with one limit, and measure no time. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const own = 'test/unit/test-rules.test.ts';
const files = globSync('test/**/*.ts', { cwd: ROOT })
  .filter((file) => file !== own)
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
const having = (pattern: RegExp): string[] => files.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

describe('tests', () => {
  it('are read at all', () => {
    expect(files.length).toBeGreaterThan(200);
  });

  it('wait by eventually() or expect.poll(), with the limit that is the same for all', () => {
    expect(having(/\bvi\.wait(For|Until)\(/)).toEqual(['test/support/eventually.ts']);
    expect(having(/expect\s*\.poll\([^;]*timeout:/)).toEqual([]);
  });

  it('have no time limit of their own', () => {
    expect(having(/^\s*(it|test|describe)\b[^\n]*\{ timeout: |^ *\}, \d[\d_]{3,}\);$/m)).toEqual([]);
  });

  it('are not tried again, left out or run alone', () => {
    expect(having(/\bretry: |\b(it|test|describe)(\.\w+)*\.(skip|only)\(/)).toEqual([]);
  });

  it('read no clock: how long something takes is measured by the benches', () => {
    // In the first time is virtual; the others end a wait, or make a token that has not expired.
    const excepted = ['test/unit/generation/run-watch.test.ts', 'test/support/nothing-left.ts'];
    expect(having(/\bperformance\.now\(\)/).filter((file) => !excepted.includes(file))).toEqual([]);
  });
});
