/** The missed goals of any suite's report: entries with `met: false`, at any depth. */
export function missedGoals(report: unknown, path: readonly string[] = []): string[] {
  if (typeof report !== 'object' || report === null) return [];
  if ('met' in report && report.met === false) return [nameOf(report, path)];
  return Object.entries(report).flatMap(([key, value]) => missedGoals(value, [...path, key]));
}

function nameOf(goal: object, path: readonly string[]): string {
  const words = ['case', 'name', 'goal'].map((key) => Object.entries(goal).find(([known]) => known === key)?.[1]);
  const said = words.filter((word) => typeof word === 'string');
  return said.length > 0 ? said.join(' ') : path.join('.');
}
