import { describe, expect, it } from 'vitest';
import { compare } from '../../../bench/compare.ts';
import { isMet, loadSections } from '../../../bench/generation/section.ts';
import { describeMachine } from '../../../bench/report.ts';
import { formatTable } from '../../../bench/suites/generation.ts';

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

  it('that take ten minutes run only where they are named', async () => {
    expect((await loadSections()).map(({ name }) => name)).not.toContain('memory');
    expect((await loadSections(['memory'])).map(({ name }) => name)).toEqual(['memory']);
  });

  it('show how figures grow in one grid, with what was missed', () => {
    const cell = (row: string, column: string, value: number, unit: string) => ({
      name: `${row}: ${column}`,
      value,
      unit,
      met: value < 1,
      cell: { row, column },
    });
    const late = { ...cell('4 up to base', 'late frames', 2, '%'), goal: { atMost: 1 } };
    const figures = [
      cell('1 up to base', 'late frames', 0, '%'),
      late,
      cell('4 up to base', 'CPU', 0.3, 'of one core'),
    ];
    const machine = describeMachine();
    const sections = [{ name: 'sessions', title: 'live', figures }];
    const table = formatTable({ suite: 'generation', machine, quick: true, sections });
    expect(table).toMatch(/^ +late frames, % +CPU, of one core$/m);
    expect(table).toMatch(/^1 up to base +0 *$/m);
    expect(table).toMatch(/^4 up to base +2 <= 1 MISSED +0\.3$/m);
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
});
