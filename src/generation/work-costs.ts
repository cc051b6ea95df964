/**
 * What work costs on this machine, learnt from what it did cost: compute time by kind of unit and by tier, as exponentially
 * weighted means. The scheduler puts light before heavy with it, admission predicts load, the planner skips polish that
 * would come too late. Pure.
 */
import { tierRank, TIERS, type Tier } from './tiers.ts';

/** Weight of the newest measurement: the last ten or so count. */
const NEWEST = 0.2;
/** Kinds are parts and their shapes, a dozen at most; a backend that invents more does not grow this. */
const KINDS_MAX = 256;

export class WorkCosts {
  readonly #tiersMs = new Map<Tier, number>();
  /** From before anything was measured here. */
  readonly #expectedMs = new Map<Tier, number>();
  readonly #kindsMs = new Map<string, number>();

  /** Compute time of one tier of one slice beyond the tiers below it; undefined until measured or expected. */
  tierMs(tier: Tier): number | undefined {
    return this.#tiersMs.get(tier) ?? this.#expectedMs.get(tier);
  }

  /** What a tier is expected to cost, until it is measured. */
  expectTier(tier: Tier, computeMs: number): void {
    this.#expectedMs.set(tier, computeMs);
  }

  /** Of all tiers up to `cap`; tiers neither measured nor expected count 0. */
  sliceMs(cap: Tier): number {
    let sum = 0;
    for (const tier of TIERS) if (tierRank(tier) <= tierRank(cap)) sum += this.tierMs(tier) ?? 0;
    return sum;
  }

  unitMs(kind: string): number | undefined {
    return this.#kindsMs.get(kind);
  }

  observeTier(tier: Tier, computeMs: number): void {
    this.#tiersMs.set(tier, mean(this.#tiersMs.get(tier), computeMs));
  }

  observeUnit(kind: string, ms: number): void {
    if (this.#kindsMs.size >= KINDS_MAX && !this.#kindsMs.has(kind)) return;
    this.#kindsMs.set(kind, mean(this.#kindsMs.get(kind), ms));
  }
}

const mean = (before: number | undefined, value: number): number =>
  before === undefined ? value : before + NEWEST * (value - before);
