/**
 * Orders waiting turns, as a pure function. A turn is one denoise step or one decode, so a more urgent job gets in
 * between two steps of another. Order: rank less ageing; users behind their fair share; earliest finish (deadline plus
 * compute time left, so light work goes before heavy work of the same deadline); first come. Ageing bounds every wait:
 * a turn of rank r is ahead of all newcomers after r + 1 ageing steps.
 */

/** Ranks of a claim, smaller first; stream/timeline/planner.ts assigns the first three. */
export const RANKS = {
  /** A draft for a viewer who sees nothing yet or has just steered. */
  firstPicture: 0,
  /** What the playhead needs. */
  playhead: 1,
  /** Refinement that will be seen and that the network can carry. */
  polish: 2,
  /** Unwatched: clip export. */
  background: 3,
} as const;
export type RankName = keyof typeof RANKS;
export type Rank = (typeof RANKS)[RankName];

/** A waiting turn rises one rank each time it has waited this long. */
export const AGEING_STEP_US = 1_000_000;
/** Compute time a user may be ahead of the least served one; beyond it their turns come last in their rank. */
export const SHARE_SLACK_MS = 150;

/** Most units in one batch, whatever was measured: activations grow with it. */
const BATCH_MAX_UNITS = 16;

export interface WaitingTurn {
  /** Turns of one kind may run as one batch. */
  kind: string;
  rank: Rank;
  deadlineUs: number;
  /** Expected compute time, ms, of the tier of a slice that the turn belongs to. */
  costMs: number;
  /** Weighted compute time its user has had; see fair-share.ts. */
  servedMs: number;
  waitingSinceUs: number;
  /** Increases with every turn. */
  order: number;
}

/** Rank after ageing. Below 0 it is ahead of all newcomers, and the longest wait comes first. */
export const agedRank = ({ rank, waitingSinceUs }: WaitingTurn, nowUs: number): number =>
  rank - Math.floor(Math.max(0, nowUs - waitingSinceUs) / AGEING_STEP_US);

/** Negative if `a` goes first. `leastServedMs`: the minimum of all waiting users. */
export function compareTurns(a: WaitingTurn, b: WaitingTurn, nowUs: number, leastServedMs: number): number {
  const rank = agedRank(a, nowUs) - agedRank(b, nowUs);
  if (rank !== 0) return rank;
  const ahead = (turn: WaitingTurn): number => Number(turn.servedMs - leastServedMs > SHARE_SLACK_MS);
  const finishUs = (turn: WaitingTurn): number => turn.deadlineUs + turn.costMs * 1000;
  return ahead(a) - ahead(b) || finishUs(a) - finishUs(b) || a.order - b.order;
}

/**
 * The turns to run next: the most urgent one and others of its kind and aged rank, up to `batchSize(kind)` in all.
 * Other ranks do not join: a batch takes longer than a single run, and polish must not delay a first picture.
 */
export function nextBatch<Turn extends WaitingTurn>(
  waiting: readonly Turn[],
  nowUs: number,
  batchSize: (kind: string) => number,
): Turn[] {
  const leastServedMs = Math.min(...waiting.map(({ servedMs }) => servedMs));
  const urgentFirst = waiting.toSorted((a, b) => compareTurns(a, b, nowUs, leastServedMs));
  const [first] = urgentFirst;
  if (first === undefined) return [];
  const rank = agedRank(first, nowUs);
  const fitting = urgentFirst.filter((turn) => turn.kind === first.kind && agedRank(turn, nowUs) === rank);
  return fitting.slice(0, Math.min(BATCH_MAX_UNITS, Math.max(1, batchSize(first.kind))));
}
