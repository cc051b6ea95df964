/** What the real link is held to: each goal with what was measured, from reports and recordings made by hand. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { queueAfterDropMs, riseMs } from '../../../bench/link/change-figures.ts';
import { realGoalsOf } from '../../../bench/link/real-goals.ts';
import { BIN_MS } from '../../../bench/link/recording.ts';
import type { LinkCase, LinkReport, RealGoal } from '../../../bench/link/link-report.ts';

const RECORDED = join(import.meta.dirname, '../../../bench/results/link.json');
const PERFECT = { utilisation: 0.96, riseMs: 800, queueMs: 30, gapMs: 200, fps: 25 };

let recorded: LinkReport;
beforeAll(async () => {
  recorded = JSON.parse(await readFile(RECORDED, 'utf8')) as LinkReport;
});

/** A recorded case whose own side reached exactly this. */
function reached(name: string, change: Partial<typeof PERFECT> & { keyframesLost?: number } = {}): LinkCase {
  const { utilisation, riseMs: rise, queueMs, gapMs, fps } = { ...PERFECT, ...change };
  const found = recorded.cases.find((each) => each.name === name) ?? recorded.cases[0]!;
  const { glimpse } = found.sides;
  const segments = glimpse.link.segments.map((segment) => ({ ...segment, utilisation }));
  const mine = {
    ...glimpse,
    link: { ...glimpse.link, utilisation, segments },
    riseMs: segments.map(() => rise),
    queueAfterDropMs: { 2_000: queueMs, 4_000: queueMs },
    viewer: { ...glimpse.viewer, longestGapMs: gapMs, worstSecondFps: fps, keyframesDecoded: 3 },
    server: { keyframes: 3 + (change.keyframesLost ?? 0) },
  };
  return { ...found, name, sides: { ...found.sides, glimpse: mine }, simulated: { glimpse: 0.94, gcc: 0.7 } };
}
const missed = (goals: readonly RealGoal[]): string[] => goals.filter(({ met }) => !met).map(({ goal }) => goal);

describe('realGoalsOf', () => {
  it('has every goal of a scenario in a row of its own', () => {
    const goals = realGoalsOf(reached('drop-and-return'));
    expect(missed(goals)).toEqual([]);
    expect(goals.map(({ goal }) => goal)).toEqual([
      'segment 1: at least 90% used',
      'segment 2: at least 80% used',
      'segment 3: at least 85% used',
      'segment 3: 85% of the risen capacity in use within 5 s',
      'queue under 250 ms from 2 s after the drop',
      'queue under 60 ms from 4 s after the drop',
      'no gap between frames over 500 ms',
      'utilisation within 5 points of virtual time',
    ]);
    expect(goals.at(-1)!.measured).toBe('96.0%, there 94.0%: +2.0 points');
  });

  it.each([
    ['drop-and-return', { riseMs: 5_001 }, ['segment 3: 85% of the risen capacity in use within 5 s']],
    ['drop-and-return', { queueMs: 60 }, ['queue under 60 ms from 4 s after the drop']],
    ['rfc8867-5.1', { gapMs: 501 }, ['no gap between frames over 500 ms']],
    ['rfc8867-5.1', { utilisation: 0.89 }, ['segment 1: at least 90% used']],
    ['loss-5', { gapMs: 501 }, ['no gap between frames over 500 ms']],
    ['loss-20', { fps: 7 }, ['at least 8 frames in every second']],
    ['loss-20', { keyframesLost: 1 }, ['no keyframe lost for good']],
    ['loss-20', { utilisation: 0.88 }, ['utilisation within 5 points of virtual time']],
  ])('says of %s with %o what was missed', (name, change, goals) => {
    expect(missed(realGoalsOf(reached(name, change)))).toEqual(goals);
  });
});

describe('figures after a change of capacity', () => {
  const BINS = 10_000 / BIN_MS;
  const segments = [
    { fromMs: 0, toMs: 4_000, capacityBps: 2e6 },
    { fromMs: 4_000, toMs: 10_000, capacityBps: 1e6 },
  ];

  it('counts a rise until half a second used 85%, and from then on only', () => {
    const servedBits = new Float64Array(BINS).fill((0.5e6 * BIN_MS) / 1_000);
    expect(riseMs({ servedBits }, segments[1]!)).toBeNull();
    servedBits.fill((0.86e6 * BIN_MS) / 1_000, 6_000 / BIN_MS);
    expect(riseMs({ servedBits }, segments[1]!)).toBeGreaterThan(1_900);
    expect(riseMs({ servedBits }, segments[1]!)).toBeLessThanOrEqual(2_000);
  });

  it('knows the longest wait from some time after a drop, which the wait before it is not', () => {
    const waits = [
      { atMs: 3_900, waitMs: 500 },
      { atMs: 5_900, waitMs: 280 },
      { atMs: 6_000, waitMs: 120 },
      { atMs: 8_500, waitMs: 40 },
    ];
    expect(queueAfterDropMs({ waits }, segments, 2_000)).toBe(120);
    expect(queueAfterDropMs({ waits }, segments, 4_000)).toBe(40);
    expect(queueAfterDropMs({ waits }, segments.slice(0, 1), 2_000)).toBeNull();
  });
});
