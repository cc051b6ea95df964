import { describe, expect, it } from 'vitest';
import { compare } from '../../../bench/compare.ts';
import { isMet, loadSections } from '../../../bench/generation/section.ts';
import { formatTable, run } from '../../../bench/suites/generation.ts';
import { makeToyPack } from '../../../scripts/make-toy-pack.ts';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('sections of the generation bench', () => {
  it('are found by themselves, each with its own name, in their order', async () => {
    const sections = await loadSections();
    expect(sections.map(({ name }) => name)).toEqual(expect.arrayContaining(['parts', 'tiers', 'startup']));
    expect(new Set(sections.map(({ name }) => name)).size).toBe(sections.length);
    expect(sections.map(({ order }) => order)).toEqual(sections.map(({ order }) => order).toSorted((a, b) => a - b));
  });

  it('are named when one does not exist', async () => {
    expect((await loadSections(['tiers'])).map(({ name }) => name)).toEqual(['tiers']);
    await expect(loadSections(['none'])).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('judge a figure by its goal', () => {
    const figure = { name: 'x', value: 40, unit: 'ms' };
    expect(isMet(figure)).toBe(true);
    expect(isMet({ ...figure, goal: { atMost: 40 } })).toBe(true);
    expect(isMet({ ...figure, goal: { atMost: 39 } })).toBe(false);
    expect(isMet({ ...figure, goal: { atLeast: 41 } })).toBe(false);
  });

  it('are compared by the names of section and figure', () => {
    const report = (ms: number) => ({
      sections: [{ name: 'parts', figures: [{ name: 'glimpse-s decoder', value: ms, unit: 'ms' }] }],
    });
    expect(compare(report(2), report(3))).toEqual([
      { path: 'sections parts figures glimpse-s decoder value', before: 2, after: 3 },
    ]);
  });

  it('run on any pack and give a table', async () => {
    const model = mkdtempSync(join(tmpdir(), 'glimpse-bench-'));
    await makeToyPack(model);
    const report = await run({ sections: ['parts', 'tiers', 'startup'], model, quick: true });
    const names = report.sections.flatMap(({ figures }) => figures.map(({ name }) => name));
    expect(names).toEqual(expect.arrayContaining(['toy upscaler', 'toy live at upscaled', 'toy resident memory']));
    expect(new Set(names).size).toBe(names.length);
    expect(formatTable(report)).toMatch(/toy denoiser, one step +[\d.]+ +ms/);
  });
});
