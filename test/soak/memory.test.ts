/** The bench of memory in small: it looks at the service before, between and after, and says what is left. */
import { expect, it } from 'vitest';
import { formatTable, run } from '../../bench/suites/memory.ts';

it('looks at what sessions leave behind', async () => {
  const report = await run({ sessions: 2, restAfterS: 1, settleMs: 500 });
  expect(report.refused).toEqual([]);
  for (const held of [report.idle, report.warm, ...report.samples, report.ended, report.rested])
    expect(held.rssMiB).toBeGreaterThan(held.v8MiB + held.buffersMiB);
  expect(report.samples.map(({ sessions }) => sessions)).toEqual([1]);
  // Nobody has been there for `--warm-idle`.
  expect(report.rested.cachedMiB).toBe(0);
  expect(formatTable(report)).toContain('2 sessions, 0 refused');
});
