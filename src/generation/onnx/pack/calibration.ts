/**
 * What was measured of a model pack on this machine, and the decisions from it: how far a live picture is refined, how
 * many threads an inference gets, how many slices share a denoise step, and which pack serves. Pure; calibrate.ts
 * measures.
 */
import { gradeOf, GRADES, tierOfGrade, type Grade, type Variant } from '../../grades.ts';
import { tierRank, type Tier } from '../../../picture/tiers.ts';

/** Milliseconds inside the model on one thread, for one slice each. */
export interface StageTimes {
  /** One denoise step. */
  stepMs: number;
  decodeMs: number;
  refineMs: number;
  /** The fast refiner; null for a pack without one. */
  fastRefineMs: number | null;
  /** Null for a pack without the tier `upscaled`. */
  upscaleMs: number | null;
}

export interface BatchTime {
  /** Slices in one denoise step. */
  size: number;
  msPerSlice: number;
}

export interface Calibration extends StageTimes {
  /** Name and version of the pack. */
  pack: string;
  batch: BatchTime[];
  /** Highest tier that live mode sustains here; the default of a session that asks for none. */
  tierCap: Tier;
  /** Threads of one inference. */
  threads: number;
  /** Slices of several sessions in one denoise step. */
  batchSize: number;
}

/** What a pack makes of a slice. */
export interface SlicePlan {
  steps: number;
  frames: number;
  fps: number;
  /** Lowest first. */
  tiers: readonly Tier[];
}

/** Share of one core that live mode may take; the rest is for the encoder, the network and the next viewer. */
export const LIVE_SHARE = 0.7;
/** Doubling the threads must gain this factor; otherwise they are left to others. */
const THREADS_GAIN = 1.3;
/** A larger batch must save this share of a slice's time. */
const BATCH_GAIN = 0.1;
/** A newcomer's draft waits for the running step, so a step must not take longer. */
const BATCH_STEP_MAX_MS = 60;

export interface GradeCost {
  grade: Grade;
  ms: number;
}

/** What each tier of a slice that the pack makes costs beyond the tiers below it, ms, lowest grade first. */
export function gradeCosts(
  { stepMs, decodeMs, refineMs, fastRefineMs, upscaleMs }: StageTimes,
  { steps, tiers }: Pick<SlicePlan, 'steps' | 'tiers'>,
): GradeCost[] {
  const costsMs: Record<Grade, number | null> = {
    draft: stepMs + decodeMs,
    base: (steps - 1) * stepMs + decodeMs,
    'refined-fast': fastRefineMs,
    refined: refineMs,
    upscaled: upscaleMs ?? Number.NaN,
  };
  return GRADES.flatMap((grade) => {
    const ms = costsMs[grade];
    return ms !== null && tiers.includes(tierOfGrade(grade)) ? [{ grade, ms }] : [];
  });
}

/**
 * Compute per second of live video up to a tier, as a share of one core. Includes each slice's draft and the full
 * variant of every tier below.
 * @param variant of the tier itself; default: the cheapest
 * @returns 0.5 for half a core; NaN if the pack does not make the tier
 */
export function liveShare(
  times: StageTimes,
  plan: SlicePlan,
  tier: Tier,
  variant: Variant = cheapest(times, tier),
): number {
  const { frames, fps, tiers } = plan;
  if (!tiers.includes(tier)) return Number.NaN;
  const wanted = gradeOf({ tier, variant });
  const needed = gradeCosts(times, plan).filter(
    ({ grade }) => grade === wanted || (tierOfGrade(grade) === grade && tierRank(tierOfGrade(grade)) < tierRank(tier)),
  );
  return (needed.reduce((sum, { ms }) => sum + ms, 0) * fps) / (frames * 1000);
}

const cheapest = ({ fastRefineMs }: StageTimes, tier: Tier): Variant =>
  tier === 'refined' && fastRefineMs !== null ? 'fast' : 'full';

/** The highest tier whose live share fits, by its cheapest variant; the lowest one if none fits. */
export function chooseTierCap(times: StageTimes, plan: SlicePlan): Tier {
  const holding = plan.tiers.filter((tier) => liveShare(times, plan, tier) <= LIVE_SHARE);
  return holding.at(-1) ?? plan.tiers[0] ?? 'draft';
}

/** The largest batch that saves time and whose step is not longer than a newcomer can wait. */
export function chooseBatchSize(batch: readonly BatchTime[]): number {
  const [first, ...larger] = batch.toSorted((a, b) => a.size - b.size);
  let chosen = first ?? { size: 1, msPerSlice: 0 };
  for (const candidate of larger) {
    const saves = candidate.msPerSlice <= chosen.msPerSlice * (1 - BATCH_GAIN);
    if (saves && candidate.size * candidate.msPerSlice <= BATCH_STEP_MAX_MS) chosen = candidate;
  }
  return chosen.size;
}

/** @param sliceMs time of the same work by number of threads; each further doubling must be worth it */
export function chooseThreads(sliceMs: readonly { threads: number; ms: number }[]): number {
  const [first, ...more] = sliceMs.toSorted((a, b) => a.threads - b.threads);
  let chosen = first ?? { threads: 1, ms: 0 };
  for (const candidate of more) {
    if (chosen.ms / candidate.ms < THREADS_GAIN) break;
    chosen = candidate;
  }
  return chosen.threads;
}

/** Numbers of threads worth trying: half of the cores stay with the encoder and the network. */
export const threadCandidates = (cores: number): number[] =>
  [1, 2, 4, 8].filter((threads) => threads === 1 || threads <= cores / 2);

/**
 * The first pack that sustains `refined` live; if none does, the one that reaches furthest, the earlier of equals.
 * @param packs best pictures first.
 */
export function choosePack<Pack extends { calibration: Pick<Calibration, 'tierCap'> }>(
  packs: readonly Pack[],
): Pack | undefined {
  const holds = packs.find(({ calibration }) => tierRank(calibration.tierCap) >= tierRank('refined'));
  if (holds) return holds;
  return packs.toSorted((a, b) => tierRank(b.calibration.tierCap) - tierRank(a.calibration.tierCap))[0];
}
