/** The model library reports to its maker unless told not to; we tell it not to. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';

const PIPELINE = resolve(import.meta.dirname, '../../src/generation/onnx/model/onnx-generator.ts');

it('ONNX Runtime begins no telemetry: it leaves no identifier and no log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-telemetry-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const modelDirectory = join(folder, 'toy');
  const temporary = join(folder, 'tmp');
  const home = join(folder, 'home');
  await Promise.all([makeToyPack(modelDirectory), mkdir(temporary), mkdir(home)]);
  const program = `
    import { OnnxGenerator } from ${JSON.stringify(PIPELINE)};
    await using generator = await OnnxGenerator.create({ modelDirectory: ${JSON.stringify(modelDirectory)}, threads: 1 });
    await generator.warmUp();
  `;
  // Where CI is set, or the variable that we set, it is off already.
  const { CI: _ci, ORT_DISABLE_TELEMETRY: _off, XDG_CACHE_HOME: _cache, ...env } = process.env;
  await writeFile(join(folder, 'program.mts'), program);
  await promisify(execFile)(process.execPath, [join(folder, 'program.mts')], {
    env: { ...env, TMPDIR: temporary, HOME: home },
  });
  expect([...(await readdir(temporary)), ...(await readdir(home))]).toEqual([]);
});
