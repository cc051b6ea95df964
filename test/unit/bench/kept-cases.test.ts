/** Real-link reports put together from runs of one scenario each. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepOtherCases } from '../../../bench/link/kept-cases.ts';
import { describeMachine } from '../../../bench/report.ts';
import type { LinkReport } from '../../../bench/link/link-report.ts';

const RECORDED = join(import.meta.dirname, '../../../bench/results/link.json');

let recorded: LinkReport;
let folder: string;
beforeAll(async () => {
  recorded = JSON.parse(await readFile(RECORDED, 'utf8')) as LinkReport;
  folder = await mkdtemp(join(tmpdir(), 'glimpse-link-'));
});
afterAll(() => rm(folder, { recursive: true }));

const namesOf = (entries: readonly { name: string }[]): string[] => entries.map(({ name }) => name).toSorted();

describe('keepOtherCases', () => {
  it('replaces what was measured again, keeps the rest with its own commit, and the goals of both', async () => {
    const measured = { commit: 'fresh', measuredAt: '2026-01-01T00:00:00Z' };
    const [first] = recorded.cases;
    const goals = recorded.goals.filter((goal) => goal.case === first!.name);
    const machine = { ...describeMachine(), browser: 'Chromium' };
    const report: LinkReport = { suite: 'link', machine, cases: [{ ...first!, measured }], goals };
    const merged = await keepOtherCases(report, RECORDED);
    expect(namesOf(merged.cases)).toEqual(namesOf(recorded.cases));
    expect(merged.goals).toHaveLength(recorded.goals.length);
    for (const { name, measured: told } of merged.cases) {
      const before = recorded.cases.find((each) => each.name === name)!.measured ?? recorded.machine;
      expect(told.commit).toBe(name === first!.name ? 'fresh' : before.commit);
    }
    expect(await keepOtherCases(report, join(folder, 'none.json'))).toBe(report);
  });

  it('refuses a file that is no such report', async () => {
    const file = join(folder, 'other.json');
    for (const text of ['{', 'null', '{"suite":"congestion"}', '{"suite":"link"}']) {
      await writeFile(file, text);
      await expect(keepOtherCases(recorded, file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
  });
});
