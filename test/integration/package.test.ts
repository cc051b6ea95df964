/** What `npm pack` would ship: a pattern in package.json that matches nothing fails no build. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PACK = 'models/glimpse-s';

function packed(): string[] {
  const told = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: ROOT, stdio: 'pipe' });
  const [{ files }] = JSON.parse(told.toString()) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

it('ships every file of the model that runs without settings, and no training code', () => {
  const paths = packed();
  expect(paths).toEqual(expect.arrayContaining(readdirSync(join(ROOT, PACK)).map((name) => `${PACK}/${name}`)));
  expect(paths.filter((path) => path.startsWith('models/training'))).toEqual([]);
});

it('ships every page and picture that the README leads to', () => {
  const links = Array.from(
    readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/\]\(([^)#\s]+)/g),
    ([, to = '']) => to,
  );
  const pages = links.filter((to) => to.startsWith('docs/') || to.startsWith('SECURITY'));
  expect(pages.length).toBeGreaterThan(10);
  expect(packed()).toEqual(expect.arrayContaining(pages));
});
