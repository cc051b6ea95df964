/**
 * What a failing generator is asked for less of, in this order: the tier (no polish, which is the dearest and least
 * missed), the batch (a step computed alone needs the least memory), the steps, the size (the draft, the smallest
 * picture there is). A level is kept for a while after it helped, and then given up step by step. Pure: time comes in.
 */
import { lowerTier, tierRank, type Tier } from '../../picture/tiers.ts';

export const REDUCTIONS = ['none', 'tier', 'batch', 'steps', 'size'] as const;
export type Reduction = (typeof REDUCTIONS)[number];

/** Denoise steps at the level `steps`: half of the embedded model's four. */
export const FEWER_STEPS = 2;
/** A level that has worked for so long is given up for the one before. */
const EASE_AFTER_US = 10e6;

export class ReductionLevel {
  #level = 0;
  #changedUs = 0;

  get level(): Reduction {
    return REDUCTIONS[this.#level] ?? 'size';
  }

  /** Whether there is less still to be asked for. */
  get canReduce(): boolean {
    return this.#level < REDUCTIONS.length - 1;
  }

  has(reduction: Reduction): boolean {
    return this.#level >= REDUCTIONS.indexOf(reduction);
  }

  /** The best tier to ask for, out of those made, lowest first. */
  cap(tiers: readonly Tier[]): Tier {
    const best = tiers.at(-1) ?? 'draft';
    if (this.has('size')) return tiers[0] ?? 'draft';
    return this.has('tier') ? lowerTier('base', best) : best;
  }

  reduce(nowUs: number): void {
    if (this.canReduce) this.#level += 1;
    this.#changedUs = nowUs;
  }

  /** Time has passed; eases by at most one level. */
  ease(nowUs: number): void {
    if (this.#level === 0 || nowUs - this.#changedUs < EASE_AFTER_US) return;
    this.#level -= 1;
    this.#changedUs = nowUs;
  }
}

export const isWithin = (tier: Tier, cap: Tier): boolean => tierRank(tier) <= tierRank(cap);
