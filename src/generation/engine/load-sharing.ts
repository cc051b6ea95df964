/**
 * Shares the generator's time among sessions, as caps. A live session needs, every slice of its timeline, the compute
 * time of all tiers up to its cap. Every session first gets the lowest tier that is worth watching. What is left lifts
 * sessions to the highest tier that fits, longest admitted first, full before fast. Pure.
 */
import { gradeRank, GRADES, lowerGrade, type Grade } from '../grades.ts';
import type { Tier } from '../../picture/tiers.ts';

export interface Sharer {
  /** Highest tier it asks for. */
  wanted: Tier;
  /** What it has now; undefined for a newcomer. */
  current: Grade | undefined;
  /** False once nothing is left to compute for it: a finished clip. */
  computing: boolean;
  /** A clip: it has an end, so everything above the lowest tier uses time left over and takes no one's place. */
  patient: boolean;
}

export interface LoadModel {
  /** Share of the generator's time that one session needs at a cap; 0 while unknown. */
  loadOf: (cap: Grade) => number;
  /** Share of the generator's time that is available. */
  capacity: number;
  /** New sessions wait rather than lower anyone below this tier. */
  lowest: Tier;
  /** Whether the generator has a fast variant of `refined`. Default: no. */
  hasFast?: boolean;
}

/** A cap rises only if it fits with this margin; otherwise caps would change with every measurement. */
const RAISE_MARGIN = 0.9;

/**
 * A cap for each sharer, in the order given (longest admitted first); undefined if they do not all fit. If the
 * generator is too slow for even one session, everyone fits: every choice is late.
 */
export function shareOut(sharers: readonly Sharer[], model: LoadModel): Grade[] | undefined {
  const { capacity, loadOf } = model;
  const lowest = lowestGrade(model);
  if (loadOf(lowest) > capacity) return sharers.map(({ wanted }) => wanted);
  const caps = sharers.map(({ wanted, patient }): Grade => (patient ? wanted : lowerGrade(wanted, lowest)));
  const load = (): number =>
    sharers.reduce((sum, sharer, index) => sum + loadAt(sharer, caps[index] ?? lowest, model), 0);
  if (load() > capacity) return undefined;
  for (const [index, { wanted, current, patient }] of sharers.entries()) {
    if (patient) continue;
    const least = caps[index] ?? lowest;
    const higher = gradesOf(model).filter(
      (grade) => gradeRank(grade) > gradeRank(least) && gradeRank(grade) <= gradeRank(wanted),
    );
    for (const grade of higher.toReversed()) {
      caps[index] = grade;
      if (load() <= capacity * (isRaise(grade, current) ? RAISE_MARGIN : 1)) break;
      caps[index] = least;
    }
  }
  return withLoneViewer(caps, sharers, model);
}

/**
 * A session that computes alone delays no other, so it may always use the fast variant. The planner finds out slice by
 * slice how much of it is ready in time.
 */
function withLoneViewer(caps: Grade[], sharers: readonly Sharer[], { hasFast = false }: LoadModel): Grade[] {
  const lone = sharers.findIndex(({ computing }) => computing);
  if (!hasFast || sharers.filter(({ computing }) => computing).length !== 1) return caps;
  return caps.map((cap, index) => {
    const wanted = sharers[index]?.wanted ?? cap;
    const least = lowerGrade(wanted, 'refined-fast');
    return index === lone && gradeRank(least) > gradeRank(cap) ? least : cap;
  });
}

const isRaise = (grade: Grade, current: Grade | undefined): boolean =>
  current !== undefined && gradeRank(grade) > gradeRank(current);

/** What a sharer needs at a cap. A finished clip computes nothing until its cap rises. */
export function loadAt({ computing, current, patient }: Sharer, cap: Grade, model: LoadModel): number {
  if (!computing && !isRaise(cap, current)) return 0;
  return model.loadOf(patient ? lowerGrade(cap, lowestGrade(model)) : cap);
}

/** The caps if not even the lowest tiers fit: no session is dropped, all get the lowest. */
export const lowestCaps = (sharers: readonly Sharer[], model: LoadModel): Grade[] =>
  sharers.map(({ wanted }) => lowerGrade(wanted, lowestGrade(model)));

/** The lowest tier, by its cheapest variant. */
const lowestGrade = ({ lowest, hasFast = false }: LoadModel): Grade =>
  hasFast && lowest === 'refined' ? 'refined-fast' : lowest;

const gradesOf = ({ hasFast = false }: LoadModel): Grade[] =>
  GRADES.filter((grade) => hasFast || grade !== 'refined-fast');
