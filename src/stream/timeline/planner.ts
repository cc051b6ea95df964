/**
 * Plans the next work of one session; a pure function of what exists. Live: the slice that the playhead needs soonest,
 * pictures before polish, and never far ahead, so that steering wastes little. Clip: drafts of all slices first (where
 * drafts need no finished slice before them), then the base pass (each slice continues from the previous one), then
 * refinement from the playhead on. Slices made fast
 * are made again in full when there is time and no other work.
 */
import { tierOfGrade, variantOfGrade, type Grade, type Variant } from '../../generation/grades.ts';
import { lowerTier, tierRank, TIERS, type Tier } from '../../picture/tiers.ts';

export interface PlanInput {
  /** Grade of each slice of the revision being generated; undefined where there is none yet. */
  gradeOf(slice: number): Grade | undefined;
  /** Slice under the playhead; 0 until the revision plays. */
  playheadSlice: number;
  /** Number of slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  /** Tiers the generator makes, lowest first. */
  tiers: readonly Tier[];
  tierCap: Tier;
  /** Clip: whether all slices get drafts before any gets more. Default: yes. */
  draftsFirst?: boolean;
  /** Live: slices kept ready beyond the one on screen. Default: `LIVE_SLICES_AHEAD`. */
  slicesAhead?: number;
  /** Live: variant in which to make this tier; undefined where it would not be seen. Default: always full. */
  variantFor?(slice: number, tier: Tier): Variant | undefined;
  /** Live: the same while there is no other work. Default: none. */
  whenIdle?(slice: number, tier: Tier): Variant | undefined;
  /** Live: whether this polish may run before the next slice has any picture. Default: never. */
  mayGoFirst?(slice: number, tier: Tier, variant: Variant): boolean;
  /** Live: whether there is time to make in full a slice that was made fast. Default: always. */
  mayUpgrade?(slice: number, tier: Tier): boolean;
  /** Live: whether an off-screen slice skips its draft because time is short. Default: never. */
  skipsDraft?(slice: number): boolean;
}

export interface PlannedWork {
  slice: number;
  tier: Tier;
  variant: Variant;
  /** Smaller is more urgent: 0 no picture yet, 1 needed by the playhead, 2 polish. */
  rank: 0 | 1 | 2;
}

/** The default of `slicesAhead`. Two slices of 667 ms cover a stall of a busy machine. */
export const LIVE_SLICES_AHEAD = 2;

/** While a camera is followed: what is made early shows an old picture of it. */
export const CAMERA_SLICES_AHEAD = 1;

export function planNext(input: PlanInput): PlannedWork | undefined {
  const tiers = input.tiers.filter((tier) => tierRank(tier) <= tierRank(input.tierCap));
  const [first] = tiers;
  if (first === undefined) return undefined;
  return input.sliceCount === undefined
    ? planLive(input, tiers, first)
    : planClip(input, tiers, first, input.sliceCount);
}

function planLive(input: PlanInput, tiers: readonly Tier[], first: Tier): PlannedWork | undefined {
  const { playheadSlice, slicesAhead = LIVE_SLICES_AHEAD } = input;
  if (input.gradeOf(playheadSlice) === undefined) return full(playheadSlice, first, 0);
  for (let slice = playheadSlice; slice <= playheadSlice + slicesAhead; slice++) {
    const own = lacking(input, tiers, slice);
    if (own) return own;
    const polish = polishOf(input, tiers, slice);
    // The next slice must exist before this one is polished, unless there is time for both.
    const next = slice < playheadSlice + slicesAhead ? lacking(input, tiers, slice + 1) : undefined;
    const goesFirst = polish && (!next || input.mayGoFirst?.(slice, polish.tier, polish.variant));
    if (goesFirst) return polish;
    if (next) return next;
  }
  return idle(input, tiers) ?? upgrade(input, tiers, playheadSlice, slicesAhead + 1);
}

/** Polish to try while there is no other work: slices not yet shown come first. */
function idle(input: PlanInput, tiers: readonly Tier[]): PlannedWork | undefined {
  const { playheadSlice, slicesAhead = LIVE_SLICES_AHEAD } = input;
  const ahead = Array.from({ length: slicesAhead }, (_, index) => playheadSlice + 1 + index);
  const polish = (slice: number) => polishOf(input, tiers, slice, (tier) => input.whenIdle?.(slice, tier));
  return [...ahead, playheadSlice].map(polish).find((work) => work !== undefined);
}

function planClip(input: PlanInput, tiers: readonly Tier[], first: Tier, sliceCount: number): PlannedWork | undefined {
  const passes: Tier[] = [...(input.draftsFirst === false ? [] : [first]), continuationTier(tiers)];
  for (const [pass, upTo] of passes.entries()) {
    for (let slice = 0; slice < sliceCount; slice++) {
      const tier = nextTier(input, tiers, slice, upTo);
      if (tier) return full(slice, tier, pass === 0 && slice === 0 ? 0 : 1);
    }
  }
  const best = tiers.at(-1) ?? first;
  for (let offset = 0; offset < sliceCount; offset++) {
    const slice = (input.playheadSlice + offset) % sliceCount;
    const grade = input.gradeOf(slice);
    const isPlanned = grade && isFast(input, slice) && tiers.includes(tierOfGrade(grade));
    const tier = isPlanned ? tierOfGrade(grade) : nextTier(input, tiers, slice, best);
    if (tier) return full(slice, tier, 2);
  }
  return undefined;
}

const isFast = (input: PlanInput, slice: number): boolean => {
  const grade = input.gradeOf(slice);
  return grade !== undefined && variantOfGrade(grade) === 'fast';
};

/** Work that a slice needs before the next one can continue from it. */
function lacking(input: PlanInput, tiers: readonly Tier[], slice: number): PlannedWork | undefined {
  const continuing = continuationTier(tiers);
  const next = nextTier(input, tiers, slice, continuing);
  const skips = next && slice > input.playheadSlice && input.skipsDraft?.(slice);
  const tier = skips ? continuing : next;
  return tier && full(slice, tier, 1);
}

/** Next polish of a slice that others can continue from. A slice made fast is made in full before further tiers. */
function polishOf(
  input: PlanInput,
  tiers: readonly Tier[],
  slice: number,
  choose: (tier: Tier) => Variant | undefined = (tier) => (input.variantFor ? input.variantFor(slice, tier) : 'full'),
): PlannedWork | undefined {
  const tier = isFast(input, slice) ? undefined : nextTier(input, tiers, slice, tiers.at(-1) ?? 'base');
  const variant = tier && choose(tier);
  return tier && variant && { slice, tier, variant, rank: slice === input.playheadSlice ? 1 : 2 };
}

const full = (slice: number, tier: Tier, rank: PlannedWork['rank']): PlannedWork => ({
  slice,
  tier,
  variant: 'full',
  rank,
});

/** The first slice from the playhead on that was made fast and may now be made in full. */
function upgrade(input: PlanInput, tiers: readonly Tier[], from: number, count: number): PlannedWork | undefined {
  for (let slice = from; slice < from + count; slice++) {
    const grade = input.gradeOf(slice);
    if (grade === undefined || variantOfGrade(grade) === 'full') continue;
    const tier = tierOfGrade(grade);
    if (tiers.includes(tier) && (input.mayUpgrade?.(slice, tier) ?? true)) return full(slice, tier, 2);
  }
  return undefined;
}

/** The tier whose latents the next slice continues from. */
function continuationTier(tiers: readonly Tier[]): Tier {
  const cap = tiers.at(-1) ?? TIERS[0];
  return lowerTier('base', cap);
}

/** The lowest tier that `slice` lacks on its way to `upTo`. */
function nextTier(input: PlanInput, tiers: readonly Tier[], slice: number, upTo: Tier): Tier | undefined {
  const current = input.gradeOf(slice);
  return tiers.find(
    (tier) =>
      (current === undefined || tierRank(tier) > tierRank(tierOfGrade(current))) && tierRank(tier) <= tierRank(upTo),
  );
}
