/**
 * What to compute next for one session, as a pure function of what is there. Live: what the playhead needs soonest,
 * pictures before polish, and never far ahead, so that steering wastes little. Clip: drafts of the whole clip first,
 * then the base pass (each slice continues from the one before), then refinement nearest the playhead first.
 */
import { lowerTier, tierRank, TIERS, type Tier } from '../generation/tiers.ts';

export interface PlanInput {
  /** Tier of each slice of the revision that is being generated; undefined where nothing is yet. */
  tierOf(slice: number): Tier | undefined;
  /** Slice under the playhead; 0 until the revision plays. */
  playheadSlice: number;
  /** Number of slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  /** Tiers the generator makes, lowest first. */
  tiers: readonly Tier[];
  tierCap: Tier;
  /** Live: whether a slice brought to this tier now would be ready before it has played; default: always. */
  willBeSeen?(slice: number, tier: Tier): boolean;
}

export interface PlannedWork {
  slice: number;
  tier: Tier;
  /** Smaller is more urgent: 0 nothing to see yet, 1 needed by the playhead, 2 polish. */
  rank: 0 | 1 | 2;
}

/** Live: slices kept ready beyond the one on screen. Two slices of 667 ms cover a stall of a busy machine. */
export const LIVE_SLICES_AHEAD = 2;

export function planNext(input: PlanInput): PlannedWork | undefined {
  const tiers = input.tiers.filter((tier) => tierRank(tier) <= tierRank(input.tierCap));
  const [first] = tiers;
  if (first === undefined) return undefined;
  return input.sliceCount === undefined
    ? planLive(input, tiers, first)
    : planClip(input, tiers, first, input.sliceCount);
}

function planLive(input: PlanInput, tiers: readonly Tier[], first: Tier): PlannedWork | undefined {
  const continuing = continuationTier(tiers);
  const { playheadSlice } = input;
  if (input.tierOf(playheadSlice) === undefined) return { slice: playheadSlice, tier: first, rank: 0 };
  for (let slice = playheadSlice; slice <= playheadSlice + LIVE_SLICES_AHEAD; slice++) {
    // The slice after this one must exist before this one is polished.
    for (const needed of [slice, Math.min(slice + 1, playheadSlice + LIVE_SLICES_AHEAD)]) {
      const tier = nextTier(input, tiers, needed, continuing);
      if (tier) return { slice: needed, tier, rank: 1 };
    }
    const polish = nextTier(input, tiers, slice, tiers.at(-1) ?? continuing);
    if (polish && (input.willBeSeen?.(slice, polish) ?? true))
      return { slice, tier: polish, rank: slice === playheadSlice ? 1 : 2 };
  }
  return undefined;
}

function planClip(input: PlanInput, tiers: readonly Tier[], first: Tier, sliceCount: number): PlannedWork | undefined {
  const passes: Tier[] = [first, continuationTier(tiers)];
  for (const [pass, upTo] of passes.entries()) {
    for (let slice = 0; slice < sliceCount; slice++) {
      const tier = nextTier(input, tiers, slice, upTo);
      if (tier) return { slice, tier, rank: pass === 0 && slice === 0 ? 0 : 1 };
    }
  }
  const best = tiers.at(-1) ?? first;
  for (let offset = 0; offset < sliceCount; offset++) {
    const slice = (input.playheadSlice + offset) % sliceCount;
    const tier = nextTier(input, tiers, slice, best);
    if (tier) return { slice, tier, rank: 2 };
  }
  return undefined;
}

/** The tier whose latents the next slice continues from. */
function continuationTier(tiers: readonly Tier[]): Tier {
  const cap = tiers.at(-1) ?? TIERS[0];
  return lowerTier('base', cap);
}

/** The lowest tier `slice` still lacks on its way to `upTo`. */
function nextTier(input: PlanInput, tiers: readonly Tier[], slice: number, upTo: Tier): Tier | undefined {
  const current = input.tierOf(slice);
  return tiers.find(
    (tier) => (current === undefined || tierRank(tier) > tierRank(current)) && tierRank(tier) <= tierRank(upTo),
  );
}
