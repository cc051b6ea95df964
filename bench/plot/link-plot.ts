/** One figure a case of the real link: rates and queue as in the simulator, and below them what the viewer noticed. */
import type { Side } from '../latency/server-process.ts';
import type { RealRun } from '../link/real-run.ts';
import type { Scenario } from '../link/scenario.ts';
import { gapsOf } from '../link/viewer-figures.ts';
import { plotCase } from './case-plot.ts';
import type { Chart } from './chart.ts';

const GAP_STEP_MS = 200;
const COLORS: Record<Side, string> = { glimpse: '#1a66c2', libwebrtc: '#d9480f' };

export function plotLink(scenario: Scenario, { glimpse, libwebrtc }: Record<Side, RealRun>): string {
  const recordings = { glimpse: glimpse.recording, libwebrtc: libwebrtc.recording };
  const points = (run: RealRun): [number, number][] => worstGaps(run, scenario.durationMs);
  const series = [
    { label: 'libwebrtc', color: COLORS.libwebrtc, points: points(libwebrtc) },
    { label: 'glimpse', color: COLORS.glimpse, points: points(glimpse) },
  ];
  const top = Math.max(100, ...series.flatMap((line) => line.points.map(([, gapMs]) => gapMs)));
  const gaps: Chart = {
    title: 'time between presented frames',
    yLabel: 'ms',
    xMax: scenario.durationMs / 1_000,
    yMax: 1.1 * top,
    series,
  };
  return plotCase(scenario, recordings, [gaps]);
}

/** The longest gap in each step, as [s, ms]. */
function worstGaps({ viewing, beganAtMs }: RealRun, durationMs: number): [number, number][] {
  const worst = new Float64Array(Math.ceil(durationMs / GAP_STEP_MS));
  for (const { atMs, gapMs } of gapsOf(viewing, beganAtMs, durationMs)) {
    const last = Math.min(Math.floor((atMs + gapMs) / GAP_STEP_MS), worst.length - 1);
    for (let step = Math.max(0, Math.floor(atMs / GAP_STEP_MS)); step <= last; step++)
      worst[step] = Math.max(worst[step]!, gapMs);
  }
  return Array.from(worst, (gapMs, step) => [(step * GAP_STEP_MS) / 1_000, gapMs]);
}
