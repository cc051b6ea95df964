/**
 * How the generator's time is shared out among sessions, as tier caps. Each live session needs, every slice of its
 * timeline, the compute time of all tiers up to its cap. Everyone first gets the lowest tier that is worth watching; what
 * is left lifts sessions to higher tiers, longest admitted first. Pure.
 */
import { lowerTier, tierRank, TIERS, type Tier } from './tiers.ts';

export interface Sharer {
  /** What it asks for at most. */
  wanted: Tier;
  /** What it has now; undefined for a newcomer. */
  current: Tier | undefined;
  /** False once nothing is left to compute for it: a finished clip. */
  computing: boolean;
  /** A clip: it has an end, so that all above the lowest tier is made in time left over and takes nobody's place. */
  patient: boolean;
}

export interface LoadModel {
  /** Share of the generator's time that one session needs at a tier cap; 0 while unknown. */
  loadOf: (cap: Tier) => number;
  /** Share of the generator's time there is to give. */
  capacity: number;
  /** No one is admitted who would push anyone below this tier. */
  lowest: Tier;
}

/** A tier is given back only when it fits with this much to spare, or caps would go up and down with every measurement. */
const RAISE_MARGIN = 0.9;

/**
 * A tier cap for each sharer, in the order given (longest admitted first); undefined when they do not all fit. A generator
 * too slow for even one session is late whatever is decided, so there everyone fits.
 */
export function shareOut(sharers: readonly Sharer[], model: LoadModel): Tier[] | undefined {
  const { lowest, capacity, loadOf } = model;
  if (loadOf(lowest) > capacity) return sharers.map(({ wanted }) => wanted);
  const caps = sharers.map(({ wanted, patient }) => (patient ? wanted : lowerTier(wanted, lowest)));
  const load = (): number =>
    sharers.reduce((sum, sharer, index) => sum + loadAt(sharer, caps[index] ?? lowest, model), 0);
  if (load() > capacity) return undefined;
  for (const [index, { wanted, current, patient }] of sharers.entries()) {
    if (patient) continue;
    const least = caps[index] ?? lowest;
    const higher = TIERS.filter((tier) => tierRank(tier) > tierRank(least) && tierRank(tier) <= tierRank(wanted));
    for (const tier of higher.toReversed()) {
      caps[index] = tier;
      if (load() <= capacity * (isRaise(tier, current) ? RAISE_MARGIN : 1)) break;
      caps[index] = least;
    }
  }
  return caps;
}

const isRaise = (tier: Tier, current: Tier | undefined): boolean =>
  current !== undefined && tierRank(tier) > tierRank(current);

/** What a sharer needs at a cap. A finished clip has nothing to compute, until its cap is raised. */
export function loadAt({ computing, current, patient }: Sharer, cap: Tier, { loadOf, lowest }: LoadModel): number {
  if (!computing && !isRaise(cap, current)) return 0;
  return loadOf(patient ? lowerTier(cap, lowest) : cap);
}

/** The caps when not even the lowest tiers fit any more: nobody is thrown out, everyone gets the lowest. */
export const lowestCaps = (sharers: readonly Sharer[], lowest: Tier): Tier[] =>
  sharers.map(({ wanted }) => lowerTier(wanted, lowest));
