/**
 * What a failing generator is asked to reduce, in this order: the tier (no polish, which costs most and is least
 * missed), the batch (a step computed alone needs the least memory), the steps, the size (only the draft, the smallest
 * picture). A level is kept for a while after it helped, and then undone step by step. Pure: time is an argument.
 */
import { lowerTier, tierRank, type Tier } from '../../picture/tiers.ts';

export const REDUCTIONS = ['none', 'tier', 'batch', 'steps', 'size'] as const;
export type Reduction = (typeof REDUCTIONS)[number];

/** Denoise steps at the level `steps`: half of the embedded model's four. */
export const FEWER_STEPS = 2;
/** A level that works for this long is undone by one. */
const EASE_AFTER_US = 10e6;

export class ReductionLevel {
  #level = 0;
  #changedUs = 0;

  get level(): Reduction {
    return REDUCTIONS[this.#level] ?? 'size';
  }

  /** Whether more can be reduced. */
  get canReduce(): boolean {
    return this.#level < REDUCTIONS.length - 1;
  }

  has(reduction: Reduction): boolean {
    return this.#level >= REDUCTIONS.indexOf(reduction);
  }

  /** The best tier to ask for. `tiers`: those made, lowest first. */
  cap(tiers: readonly Tier[]): Tier {
    const best = tiers.at(-1) ?? 'draft';
    if (this.has('size')) return tiers[0] ?? 'draft';
    return this.has('tier') ? lowerTier('base', best) : best;
  }

  reduce(nowUs: number): void {
    if (this.canReduce) this.#level += 1;
    this.#changedUs = nowUs;
  }

  /** Undoes one level if enough time has passed. */
  ease(nowUs: number): void {
    if (this.#level === 0 || nowUs - this.#changedUs < EASE_AFTER_US) return;
    this.#level -= 1;
    this.#changedUs = nowUs;
  }
}

export const isWithin = (tier: Tier, cap: Tier): boolean => tierRank(tier) <= tierRank(cap);
