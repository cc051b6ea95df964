/**
 * Chooses how a slice's tier is made: full if there is time, else fast. The tier is left out only if even fast is too
 * late to be seen, or would make the next slice late. Slices ahead of the playhead must be ready before they are seen
 * and leave time for the next. The first slice of a revision on screen gets the variant that is ready soonest. It falls
 * back to fast at once and returns to full only with a margin, later after each failed return, because viewers see
 * changes of sharpness. Pure.
 */
import type { Variant } from '../grades.ts';

export interface VariantFacts {
  /** Until the slice is on screen, ms; 0 or less: it is. Infinity: playback stands still on another slice. */
  untilSeenMs: number;
  /** Until it has played, ms; Infinity while playback stands still. */
  untilOverMs: number;
  /** Expected cost of each variant, ms; undefined: not known. */
  costMs: Readonly<Record<Variant, number | undefined>>;
  /** The tier has a fast variant. */
  hasFast: boolean;
  /** Cost of the tiers below, for the next slice, and of the lowest of them, ms. */
  belowMs: number;
  draftMs: number;
  /** Length of a slice, ms. */
  sliceMs: number;
  /** The next slice lacks the tier as well. */
  nextWaits: boolean;
  /** No slice of the revision has the tier yet. */
  isFirst: boolean;
}

/** Choices for slices ahead of the playhead. */
export interface VariantHistory {
  /** Undefined before the first. */
  last: Variant | undefined;
  /** Consecutive slices made by `last`. */
  slices: number;
  /** Slices that stay fast before full is tried again. */
  hold: number;
}

/** Factor by which expected costs may be wrong. */
export const MARGIN = 1.25;
/** With nothing else to do, a variant is tried even if it is expected to take this many times the time left. */
const IDLE_TIMES = 2;
/** Share of its time left that a slice on screen may spend on the full refiner; beyond it fast shows for longer. */
const ON_SCREEN_SHARE = 1 / 3;
/** Share of a slice's length that all its tiers may take: to stay full, and to return to full. */
const STAY_SHARE = 1;
const RETURN_SHARE = 0.8;
/** In slices: about 3 s and 43 s of the embedded model. */
const HOLD = { first: 4, most: 64 };
/** After this many full slices the next fallback counts as a first one. */
const PROVEN_SLICES = 24;

export const NO_HISTORY: VariantHistory = { last: undefined, slices: 0, hold: HOLD.first };

/** @returns undefined if no variant would be seen, or if the next slice needs the time more */
export function chooseVariant(facts: VariantFacts, history: VariantHistory): Variant | undefined {
  const { untilOverMs, costMs, hasFast } = facts;
  const cheapestMs = (hasFast ? costMs.fast : costMs.full) ?? 0;
  if (cheapestMs >= untilOverMs || delaysNext(facts, cheapestMs)) return undefined;
  if (!hasFast) return 'full';
  return mayBeFull(facts, history) ? 'full' : 'fast';
}

/**
 * For a slice that is not expected to be ready, while there is nothing else to do: expected costs may be outdated, and
 * only trying shows it.
 */
export const chooseWhenIdle = ({ untilOverMs, costMs, hasFast }: VariantFacts): Variant | undefined =>
  hasFast && (costMs.fast ?? 0) < IDLE_TIMES * untilOverMs ? 'fast' : undefined;

/**
 * Whether a fast slice may be made again in full: with nothing else to do, and if it does not stand out among fast
 * ones.
 */
export const mayBeUpgraded = (facts: VariantFacts, history: VariantHistory): boolean =>
  facts.hasFast && (history.last !== 'fast' || facts.untilOverMs === Infinity) && mayBeFull(facts, history);

/**
 * Whether a slice may be made `variant` before anything of the next one exists. It must leave time for the next one's
 * lower tiers; for the first sharp picture of a revision, only for its draft.
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
 * Whether to give up a slice that is seen unfinished anyway, so that the next one is ready in time. Otherwise each
 * slice would make the next late.
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
  // Without a known cost it may not be ready in time.
  if (costMs.full === undefined) return false;
  const fullMs = costMs.full * MARGIN;
  const nextMs = (belowMs + (costMs.fast ?? costMs.full)) * MARGIN;
  if (untilSeenMs <= 0) return fullMs <= untilOverMs * ON_SCREEN_SHARE && fullMs + nextMs <= untilOverMs;
  if (fullMs > untilSeenMs || fullMs + nextMs > untilSeenMs + sliceMs) return false;
  const allMs = belowMs + costMs.full;
  if (last !== 'fast') return allMs <= sliceMs * STAY_SHARE;
  return slices >= hold && allMs <= sliceMs * RETURN_SHARE;
}
