/** What our side is to reach on the real link, by scenario name. */
import type { LinkCase, LinkSide, RealGoal } from './link-report.ts';

interface Goal {
  goal: string;
  /** Null: never. */
  value: (side: LinkSide) => number | null;
  met: (value: number) => boolean;
  shown: (value: number) => string;
  /** What null means; default `never`. */
  unknown?: string;
}

const GAP_MAX_MS = 500;
const RISE_MAX_MS = 5_000;
const SIMULATED_WITHIN = 0.05;

const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
const ms = (value: number): string => `${Math.round(value)} ms`;

function besideVirtual(real: number, simulated: number): string {
  const points = (real - simulated) * 100;
  return `${percent(real)}, there ${percent(simulated)}: ${points > 0 ? '+' : ''}${points.toFixed(1)} points`;
}

const used = (index: number, least: number): Goal => ({
  goal: `segment ${index + 1}: at least ${Math.round(least * 100)}% used`,
  value: ({ link }) => link.segments[index]?.utilisation ?? null,
  met: (value) => value >= least,
  shown: percent,
});
const rise = (index: number): Goal => ({
  goal: `segment ${index + 1}: 85% of the risen capacity in use within 5 s`,
  value: ({ riseMs }) => riseMs[index] ?? null,
  met: (value) => value <= RISE_MAX_MS,
  shown: ms,
});
const noGap: Goal = {
  goal: `no gap between frames over ${GAP_MAX_MS} ms`,
  value: ({ viewer }) => viewer.longestGapMs,
  met: (value) => value <= GAP_MAX_MS,
  shown: ms,
};
const queueAfter = (afterMs: number, most: number): Goal => ({
  goal: `queue under ${most} ms from ${afterMs / 1_000} s after the drop`,
  value: ({ queueAfterDropMs }) => queueAfterDropMs[afterMs] ?? null,
  met: (value) => value < most,
  shown: ms,
});
const fps = (least: number): Goal => ({
  goal: `at least ${least} frames in every second`,
  value: ({ viewer }) => viewer.worstSecondFps,
  met: (value) => value >= least,
  shown: String,
});

/** The server's count is up to a second older than the browser's, so a keyframe still on its way is not counted. */
const keyframesDecoded: Goal = {
  goal: 'no keyframe lost for good',
  value: ({ server, viewer }) => {
    const sent = server?.['keyframes'];
    return typeof sent === 'number' ? Math.max(0, sent - viewer.keyframesDecoded) : null;
  },
  met: (value) => value === 0,
  shown: (value) => `${value} lost`,
  unknown: '-',
};

const GOALS: Record<string, readonly Goal[]> = {
  'drop-and-return': [
    used(0, 0.9),
    used(1, 0.8),
    used(2, 0.85),
    rise(2),
    queueAfter(2_000, 250),
    queueAfter(4_000, 60),
    noGap,
  ],
  'rfc8867-5.1': [used(0, 0.9), used(1, 0.8), used(2, 0.85), used(3, 0.88), rise(1), rise(3), noGap],
  'loss-5': [noGap, keyframesDecoded],
  'loss-20': [fps(8), keyframesDecoded],
};

/** With one that every scenario has: the simulator is to be believed. */
export function realGoalsOf({ name, sides, simulated }: Pick<LinkCase, 'name' | 'sides' | 'simulated'>): RealGoal[] {
  const { glimpse, libwebrtc } = sides;
  const believed: RealGoal = {
    case: name,
    goal: `utilisation within ${SIMULATED_WITHIN * 100} points of virtual time`,
    measured: besideVirtual(glimpse.link.utilisation, simulated.glimpse),
    libwebrtc: besideVirtual(libwebrtc.link.utilisation, simulated.gcc),
    met: Math.abs(glimpse.link.utilisation - simulated.glimpse) <= SIMULATED_WITHIN,
  };
  const goals = Object.hasOwn(GOALS, name) ? (GOALS[name] ?? []) : [];
  const results = goals.map(({ goal, value, met, shown, unknown = 'never' }): RealGoal => {
    const text = (measured: number | null): string => (measured === null ? unknown : shown(measured));
    const measured = value(glimpse);
    return {
      case: name,
      goal,
      measured: text(measured),
      libwebrtc: text(value(libwebrtc)),
      met: measured !== null && met(measured),
    };
  });
  return [...results, believed];
}
