/**
 * What is worth making for everyone who takes frames from a stream, from what each of them can use. A viewer who is
 * away raises nothing while another watches. Pure.
 */
import { higherTier, type Tier } from '../picture/tiers.ts';

export interface Demand {
  /** Someone can see frames now; otherwise the playhead stands. */
  shown: boolean;
  /** Pictures are worth computing: someone watches, or may be back in a moment. */
  watched: boolean;
  /** Highest tier that anyone asks for; admission plans with it. */
  asked: Tier;
  /** Highest tier that anyone can use now. */
  tier: Tier;
  /** Highest frame rate that anyone can use. */
  fps: number;
}

/** No viewer is present. */
export const NO_DEMAND: Demand = { shown: false, watched: false, asked: 'draft', tier: 'draft', fps: 0 };

/** @param wants one for each viewer, at any tier if none watches: a viewer who comes back finds the stream unchanged */
export function demandOf(wants: readonly Demand[]): Demand {
  const watching = wants.filter(({ watched }) => watched);
  return (watching.length > 0 ? watching : wants).reduce(
    (sum, want) => ({
      shown: sum.shown || want.shown,
      watched: sum.watched || want.watched,
      asked: higherTier(sum.asked, want.asked),
      tier: higherTier(sum.tier, want.tier),
      fps: Math.max(sum.fps, want.fps),
    }),
    NO_DEMAND,
  );
}

export const sameDemand = (a: Demand, b: Demand): boolean =>
  a.shown === b.shown && a.watched === b.watched && a.asked === b.asked && a.tier === b.tier && a.fps === b.fps;
