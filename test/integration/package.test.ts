/** What the package `glimpse` holds besides what the build makes; `npm run test:packages` installs it. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isShipped, SHIPPED } from '../../scripts/shipped.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACK = 'models/glimpse-s';

const packed = SHIPPED.filter((name) => name !== 'dist')
  .flatMap((name) => [name, ...globSync(`${name}/**`, { cwd: ROOT })])
  .filter(isShipped);

it('ships every file of the model that runs without settings, and no training code', () => {
  expect(packed).toEqual(expect.arrayContaining(readdirSync(join(ROOT, PACK)).map((name) => `${PACK}/${name}`)));
  expect(packed.filter((path) => path.startsWith('models/training'))).toEqual([]);
});

it('ships every page and picture that the README leads to', () => {
  const links = Array.from(
    readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/\]\(([^)#\s]+)/g),
    ([, to = '']) => to,
  );
  const pages = links.filter((to) => to.startsWith('docs/') || to.startsWith('SECURITY'));
  expect(pages.length).toBeGreaterThan(10);
  expect(packed).toEqual(expect.arrayContaining(pages));
});
