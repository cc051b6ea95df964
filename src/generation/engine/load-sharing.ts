/**
 * How the generator's time is shared out among sessions, as caps. Each live session needs, every slice of its
 * timeline, the compute time of all tiers up to its cap. Everyone first gets the lowest tier that is worth watching; what
 * is left lifts sessions to higher tiers, longest admitted first, and to the full way of making them before the fast one.
 * Pure.
 */
import { gradeRank, GRADES, lowerGrade, type Grade } from '../grades.ts';
import type { Tier } from '../../picture/tiers.ts';

export interface Sharer {
  /** What it asks for at most. */
  wanted: Tier;
  /** What it has now; undefined for a newcomer. */
  current: Grade | undefined;
  /** False once nothing is left to compute for it: a finished clip. */
  computing: boolean;
  /** A clip: it has an end, so that all above the lowest tier is made in time left over and takes nobody's place. */
  patient: boolean;
}

export interface LoadModel {
  /** Share of the generator's time that one session needs at a cap; 0 while unknown. */
  loadOf: (cap: Grade) => number;
  /** Share of the generator's time there is to give. */
  capacity: number;
  /** No one is admitted who would push anyone below this tier. */
  lowest: Tier;
  /** Whether the generator has a fast way to make `refined`. Default: no. */
  hasFast?: boolean;
}

/** A grade is given back only when it fits with this much to spare, or caps would go up and down with every measurement. */
const RAISE_MARGIN = 0.9;

/**
 * A cap for each sharer, in the order given (longest admitted first); undefined when they do not all fit. A generator
 * too slow for even one session is late whatever is decided, so there everyone fits.
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
 * Who computes alone pushes nobody: what can be made fast is never out of reach, and the planner finds out slice by slice
 * how much of it comes in time.
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

/** What a sharer needs at a cap. A finished clip has nothing to compute, until its cap is raised. */
export function loadAt({ computing, current, patient }: Sharer, cap: Grade, model: LoadModel): number {
  if (!computing && !isRaise(cap, current)) return 0;
  return model.loadOf(patient ? lowerGrade(cap, lowestGrade(model)) : cap);
}

/** The caps when not even the lowest tiers fit any more: nobody is thrown out, everyone gets the lowest. */
export const lowestCaps = (sharers: readonly Sharer[], model: LoadModel): Grade[] =>
  sharers.map(({ wanted }) => lowerGrade(wanted, lowestGrade(model)));

/** The lowest tier, made the cheapest way. */
const lowestGrade = ({ lowest, hasFast = false }: LoadModel): Grade =>
  hasFast && lowest === 'refined' ? 'refined-fast' : lowest;

const gradesOf = ({ hasFast = false }: LoadModel): Grade[] =>
  GRADES.filter((grade) => hasFast || grade !== 'refined-fast');
