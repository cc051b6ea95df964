/** The soak in small: viewers who come, steer and go, and afterwards nothing is left. The long one is `npm run soak`. */
import { describe, expect, it } from 'vitest';
import { slope } from '../../bench/memory/slope.ts';
import { run } from '../../bench/suites/soak.ts';

describe('viewers who come and go', () => {
  it('leave no session, no error and a service that ends by SIGTERM', async () => {
    const report = await run({ seconds: 12, viewers: 3 });
    expect(report).toMatchObject({ complaints: [], refused: [], sessionsLeft: 0, exitCode: 0 });
    expect(report.opened).toBeGreaterThanOrEqual(3);
    expect(report.samples.length).toBeGreaterThan(0);
  });
});

describe('the slope', () => {
  it('is that of the line through the points', () => {
    expect(
      slope([
        [0, 5],
        [1, 7],
        [2, 9],
      ]),
    ).toBeCloseTo(2);
    expect(
      slope([
        [0, 5],
        [1, 5],
      ]),
    ).toBe(0);
    expect(slope([])).toBe(0);
  });
});
