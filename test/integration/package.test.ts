/** What `npm pack` would ship: a pattern in package.json that matches nothing fails no build. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PACK = 'models/glimpse-s';

it('ships every file of the model that runs without settings, and no training code', () => {
  const told = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: ROOT, stdio: 'pipe' });
  const [{ files }] = JSON.parse(told.toString()) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(readdirSync(join(ROOT, PACK)).map((name) => `${PACK}/${name}`)));
  expect(paths.filter((path) => path.startsWith('models/training'))).toEqual([]);
});
