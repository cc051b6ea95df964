import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { formatTable, run } from '../../bench/suites/generation.ts';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';

it('the sections of the generation bench run on any pack and give a table', async () => {
  const model = await mkdtemp(join(tmpdir(), 'glimpse-bench-'));
  onTestFinished(() => rm(model, { recursive: true }));
  await makeToyPack(model);
  const report = await run({ sections: ['parts', 'tiers', 'startup'], model, quick: true });
  const names = report.sections.flatMap(({ figures }) => figures.map(({ name }) => name));
  expect(names).toEqual(expect.arrayContaining(['toy upscaler', 'toy live at upscaled', 'toy resident memory']));
  expect(new Set(names).size).toBe(names.length);
  expect(formatTable(report)).toMatch(/toy denoiser, one step +[\d.]+ +ms/);
});
