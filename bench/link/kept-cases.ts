/**
 * A real-link report in pieces: all scenarios take ten minutes, more than a machine may have for itself at once. What one
 * scenario gave takes its place among the cases of an earlier report; each case tells its own commit.
 */
import { readFile } from 'node:fs/promises';
import { GlimpseError } from '../../src/errors.ts';
import type { LinkReport } from './link-report.ts';

/**
 * @param file of the earlier report; without one the report stays as it is.
 * @throws GlimpseError CONFIG_INVALID for a file that is no report of this suite
 */
export async function keepOtherCases(report: LinkReport, file: string): Promise<LinkReport> {
  const before = await readReport(file);
  if (!before) return report;
  const fresh = new Set(report.cases.map(({ name }) => name));
  const kept = before.cases.filter(({ name }) => !fresh.has(name));
  const keptGoals = before.goals.filter((goal) => !fresh.has(goal.case));
  return { ...report, cases: [...kept, ...report.cases], goals: [...keptGoals, ...report.goals] };
}

async function readReport(file: string): Promise<LinkReport | undefined> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new GlimpseError('CONFIG_INVALID', { message: `${file} cannot be read: ${cause.message}`, cause });
  });
  if (text === undefined) return undefined;
  let report: Partial<LinkReport> | null = null;
  try {
    report = JSON.parse(text) as Partial<LinkReport> | null;
  } catch {
    // Refused below, as any other file that is no report.
  }
  if (report?.suite !== 'link' || !report.machine || !Array.isArray(report.cases) || !Array.isArray(report.goals))
    throw new GlimpseError('CONFIG_INVALID', { message: `${file} is no report of the link bench` });
  const { commit, measuredAt } = report.machine;
  const cases = report.cases.map((each) => ({ ...each, measured: each.measured ?? { commit, measuredAt } }));
  return { ...(report as LinkReport), cases };
}
