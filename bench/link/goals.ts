/** What our controller is to reach on the scenarios that ship with the bench, by scenario name. */
import type { ControllerName } from './controllers.ts';
import type { ControllerFigures } from './figures.ts';

export interface GoalResult {
  case: string;
  goal: string;
  /** The worst of all seeds. */
  measured: string;
  /** The same figure of the baseline. */
  gcc: string;
  met: boolean;
}

interface Goal {
  goal: string;
  /** Null or undefined: never reached. */
  value: (figures: ControllerFigures) => number | null | undefined;
  limit: number;
  compare: 'atLeast' | 'atMost';
  unit: 'ratio' | 'ms';
}

const atLeast = (goal: string, limit: number, value: Goal['value']): Goal => ({
  goal,
  value,
  limit,
  compare: 'atLeast',
  unit: 'ratio',
});
const atMost = (goal: string, limit: number, unit: Goal['unit'], value: Goal['value']): Goal => ({
  goal,
  value,
  limit,
  compare: 'atMost',
  unit,
});

const GOALS: Record<string, readonly Goal[]> = {
  'rfc8867-5.1': [
    atLeast('capacity used at least 88%', 0.88, ({ utilisation }) => utilisation),
    atLeast('each segment after 3 s at least 92%', 0.92, ({ segments }) =>
      Math.min(...segments.map(({ settledUtilisation }) => settledUtilisation)),
    ),
    atMost('queue p95 outside drops at most 25 ms', 25, 'ms', ({ settledQueueP95Ms }) => settledQueueP95Ms),
    atMost('queue under 50 ms after 2.5 to 0.6 Mbps within 1.5 s', 1_500, 'ms', ({ segments }) => segments[2]?.drainMs),
    atMost('loss under 0.5%', 0.005, 'ratio', ({ lossRatio }) => lossRatio),
  ],
  'rfc8867-5.4': [atLeast('Jain index at least 0.9', 0.9, ({ jain }) => jain)],
  'rfc8867-5.6-queue-300': [atLeast('beside TCP at least 25%', 0.25, ({ utilisation }) => utilisation)],
  ramp: [atMost('2.5 Mbps in use within 1 s', 1_000, 'ms', ({ segments }) => segments[0]?.convergeMs)],
  'loss-2': [atLeast('capacity used at least 90%', 0.9, ({ utilisation }) => utilisation)],
  'loss-5': [atLeast('capacity used at least 90%', 0.9, ({ utilisation }) => utilisation)],
};

export const hasGoals = (name: string): boolean => Object.hasOwn(GOALS, name);

/** @param runs the same scenario under different seeds; the worst of them counts, for each controller by itself. */
export function goalsOf(name: string, runs: readonly Record<ControllerName, ControllerFigures>[]): GoalResult[] {
  const goals = hasGoals(name) ? (GOALS[name] ?? []) : [];
  return goals.map((goal) => {
    const glimpse = worst(
      goal,
      runs.map((run) => run.glimpse),
    );
    const gcc = worst(
      goal,
      runs.map((run) => run.gcc),
    );
    const met = goal.compare === 'atLeast' ? glimpse >= goal.limit : glimpse <= goal.limit;
    return { case: name, goal: goal.goal, measured: shown(goal, glimpse), gcc: shown(goal, gcc), met };
  });
}

function worst({ value, compare }: Goal, figures: readonly ControllerFigures[]): number {
  const never = compare === 'atLeast' ? -Infinity : Infinity;
  const values = figures.map((each) => value(each) ?? never);
  return compare === 'atLeast' ? Math.min(...values) : Math.max(...values);
}

function shown({ unit }: Goal, measured: number): string {
  if (!Number.isFinite(measured)) return 'never';
  return unit === 'ms' ? `${measured} ms` : `${(measured * 100).toFixed(1)}%`;
}
