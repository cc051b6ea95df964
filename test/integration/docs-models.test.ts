/** The commands of docs/models.md, run in their order as they stand there. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-docs-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Lines of the page's first shell block. */
async function commands(): Promise<string[]> {
  const page = await readFile(join(ROOT, 'docs/models.md'), 'utf8');
  return /```sh\n([^`]+)```/.exec(page)?.[1]?.trim().split('\n') ?? [];
}

/** Run by the shell in the checkout, as a reader would; what they write goes into the test's folder. */
async function run(command: string): Promise<string> {
  const here = command.replaceAll('my-pack', join(folder, 'my-pack')).replaceAll('red.mp4', join(folder, 'red.mp4'));
  const { stdout } = await promisify(execFile)('sh', ['-c', here], { cwd: ROOT });
  return stdout;
}

describe('docs/models.md', () => {
  it('builds a pack, verifies it and makes a clip with it', async () => {
    const [build = '', verify = '', generate = ''] = await commands();
    expect(await run(build)).toMatch(/a model pack/);
    expect(await run(verify)).toMatch(/all 5 parts load/);
    expect(await run(generate)).toMatch(/red\.mp4: 4\.0 s/);
    expect((await stat(join(folder, 'red.mp4'))).size).toBeGreaterThan(1000);
  });
});
