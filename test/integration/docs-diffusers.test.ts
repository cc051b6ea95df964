/** The commands of docs/diffusers.md that need no download, run in their order as they stand there. */
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

/** Run by the shell in the checkout, as a reader would; what they write goes into the test's folder. */
async function run(command: string): Promise<string> {
  const here = command
    .replaceAll('my-diffusers', join(folder, 'my-diffusers'))
    .replaceAll('sky.mp4', join(folder, 'sky.mp4'));
  const { stdout } = await promisify(execFile)('sh', ['-c', here], { cwd: ROOT });
  return stdout;
}

describe('docs/diffusers.md', () => {
  it('makes a model, verifies it and makes a clip with it, the same each time', async () => {
    const page = await readFile(join(ROOT, 'docs/diffusers.md'), 'utf8');
    const [build = '', verify = '', generate = ''] = /```sh\n([^`]+)```/.exec(page)?.[1]?.trim().split('\n') ?? [];
    expect(await run(build)).toMatch(/diffusers layout \(euler\)/);
    expect(await run(verify)).toMatch(/one picture of 128x128 was painted/);
    expect(await run(generate)).toMatch(/sky\.mp4: 4\.0 s/);
    const clip = await readFile(join(folder, 'sky.mp4'));
    expect((await stat(join(folder, 'sky.mp4'))).size).toBeGreaterThan(1000);
    await run(`${generate} --fresh`);
    expect((await readFile(join(folder, 'sky.mp4'))).equals(clip)).toBe(true);
  });

  it('shows what a model is made of, and lists it', async () => {
    const shown = await run('npm run -s glimpse -- models show my-diffusers');
    expect(shown).toMatch(/StableDiffusionPipeline in the diffusers layout/);
    expect(shown).toMatch(/EulerDiscreteScheduler, 2 steps/);
    expect(shown).toMatch(/unet .*sample float32\[batch_size,4,height,width\]/);
    expect(await run('npm run -s glimpse -- models list --model my-diffusers')).toMatch(/refined 128x128/);
  });
});
