/**
 * Which way a slice's tier is made: by the full part while that leaves time, by the fast one while it does not, not at all
 * only where even the fast one would come too late to be seen, or would make the next slice late as well. Slices ahead of
 * the playhead must be ready before they are seen, and leave the next one time to be. The first of a revision that is on
 * screen already is sharpened by whatever is soonest. Falls back at once, comes back only when full would hold by a margin,
 * and later each time it did not: viewers see a change of sharpness. Pure: facts and history come in, a choice comes out.
 */
import type { Variant } from '../grades.ts';

export interface VariantFacts {
  /** Until the slice is on screen, ms; 0 or less: it is. Infinity: the picture stands, and it is not on it. */
  untilSeenMs: number;
  /** Until it has played, ms; Infinity while the picture stands. */
  untilOverMs: number;
  /** What each way is expected to cost, ms; undefined: not known. */
  costMs: Readonly<Record<Variant, number | undefined>>;
  /** The tier can be made fast. */
  hasFast: boolean;
  /** What the tiers below cost, for the next slice, ms, and the lowest of them. */
  belowMs: number;
  draftMs: number;
  /** Length of a slice, ms. */
  sliceMs: number;
  /** The slice after it lacks the tier as well. */
  nextWaits: boolean;
  /** No slice of the revision has had the tier. */
  isFirst: boolean;
}

/** What was chosen for slices ahead of the playhead. */
export interface VariantHistory {
  /** Undefined before the first. */
  last: Variant | undefined;
  /** Slices in a row. */
  slices: number;
  /** Slices that stay fast before full is tried again. */
  hold: number;
}

/** Expected costs may be wrong by this much. */
export const MARGIN = 1.25;
/** So many times as long may be expected of what is tried for want of anything else. */
const IDLE_TIMES = 2;
/** Of the time that a slice on screen has left, a full refiner may take this share; else the fast one shows for longer. */
const ON_SCREEN_SHARE = 1 / 3;
/** Share of a slice's length that all its tiers together may take: to stay full, and to become full again. */
const STAY_SHARE = 1;
const RETURN_SHARE = 0.8;
/** About 3 s and 43 s of the embedded model. */
const HOLD = { first: 4, most: 64 };
/** Full for so many slices has proved itself: the next fall is a new one. */
const PROVEN_SLICES = 24;

export const NO_HISTORY: VariantHistory = { last: undefined, slices: 0, hold: HOLD.first };

/** @returns undefined where no way would be seen, or the next slice has more of it */
export function chooseVariant(facts: VariantFacts, history: VariantHistory): Variant | undefined {
  const { untilOverMs, costMs, hasFast } = facts;
  const cheapestMs = (hasFast ? costMs.fast : costMs.full) ?? 0;
  if (cheapestMs >= untilOverMs || delaysNext(facts, cheapestMs)) return undefined;
  if (!hasFast) return 'full';
  return mayBeFull(facts, history) ? 'full' : 'fast';
}

/**
 * For a slice that is not expected to be ready, while there is nothing else to do: expected costs may be those of a moment
 * that has passed, and only trying shows it.
 */
export const chooseWhenIdle = ({ untilOverMs, costMs, hasFast }: VariantFacts): Variant | undefined =>
  hasFast && (costMs.fast ?? 0) < IDLE_TIMES * untilOverMs ? 'fast' : undefined;

/**
 * Whether a slice that was made fast may be made again, full: where there is nothing else to do, and it does not stand out
 * among fast ones.
 */
export const mayBeUpgraded = (facts: VariantFacts, history: VariantHistory): boolean =>
  facts.hasFast && (history.last !== 'fast' || facts.untilOverMs === Infinity) && mayBeFull(facts, history);

/**
 * Whether a slice may be made `variant` before there is anything at all of the next one: it is finished sooner, and there
 * is time for the next one's lower tiers all the same. For the first sharp picture of a revision the next slice may begin as
 * a draft.
 */
export function mayGoFirst(facts: VariantFacts, variant: Variant): boolean {
  const { untilOverMs, costMs, belowMs, draftMs, hasFast, isFirst } = facts;
  return hasFast && ((costMs[variant] ?? Infinity) + (isFirst ? draftMs : belowMs)) * MARGIN <= untilOverMs;
}

/** @param variant chosen for a slice ahead of the playhead, or for one that should have been ahead of it */
export function afterSlice({ last, slices, hold }: VariantHistory, variant: Variant): VariantHistory {
  if (variant === last) return { last, slices: slices + 1, hold };
  if (variant === 'full') return { last: variant, slices: 1, hold };
  const again = last === 'full' && slices < PROVEN_SLICES;
  return { last: variant, slices: 1, hold: again ? Math.min(hold * 2, HOLD.most) : HOLD.first };
}

/**
 * A slice that is seen unfinished anyway is given up for the next one, which can be finished in time: or each would be
 * late because the one before was.
 */
function delaysNext(facts: VariantFacts, costMs: number): boolean {
  const { untilSeenMs, untilOverMs, belowMs, sliceMs, hasFast, nextWaits, isFirst } = facts;
  if (!hasFast || isFirst || costMs <= untilSeenMs) return false;
  const untilNextMs = untilOverMs + (nextWaits ? 0 : sliceMs);
  return (2 * costMs + belowMs) * MARGIN > untilNextMs;
}

function mayBeFull(facts: VariantFacts, { last, slices, hold }: VariantHistory): boolean {
  const { untilSeenMs, untilOverMs, costMs, belowMs, sliceMs } = facts;
  if (untilOverMs === Infinity) return true;
  // What was never made fast or full is not known to come in time.
  if (costMs.full === undefined) return false;
  const fullMs = costMs.full * MARGIN;
  const nextMs = (belowMs + (costMs.fast ?? costMs.full)) * MARGIN;
  if (untilSeenMs <= 0) return fullMs <= untilOverMs * ON_SCREEN_SHARE && fullMs + nextMs <= untilOverMs;
  if (fullMs > untilSeenMs || fullMs + nextMs > untilSeenMs + sliceMs) return false;
  const allMs = belowMs + costMs.full;
  if (last !== 'fast') return allMs <= sliceMs * STAY_SHARE;
  return slices >= hold && allMs <= sliceMs * RETURN_SHARE;
}
