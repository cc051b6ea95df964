/**
 * How the slices of one session's tiers are made: gathers what `chooseVariant` decides by, and remembers what it decided.
 * Lives as long as the session, because a machine that was too slow for one revision is too slow for the next.
 */
import { gradeOf, variantOfGrade, type Grade, type Variant } from '../generation/grades.ts';
import type { GeneratorInfo } from '../generation/generator.ts';
import type { Tier } from '../picture/tiers.ts';
import {
  afterSlice,
  chooseVariant,
  chooseWhenIdle,
  mayBeUpgraded,
  MARGIN,
  mayGoFirst,
  NO_HISTORY,
  type VariantFacts,
} from '../generation/engine/variant-choice.ts';
import type { WorkCosts } from '../generation/engine/work-costs.ts';

/** Slices of a revision that come before its pictures have a lead: how they are made says nothing of the machine. */
const FIRST_SLICES = 2;

/** A slice as `chooseVariant` sees it. */
export type SliceFacts = Pick<VariantFacts, 'untilSeenMs' | 'untilOverMs' | 'nextWaits' | 'isFirst'>;

export class SliceVariants {
  readonly #info: GeneratorInfo;
  readonly #costs: WorkCosts;
  #history = NO_HISTORY;

  constructor({ info, costs }: { info: GeneratorInfo; costs: WorkCosts }) {
    this.#info = info;
    this.#costs = costs;
  }

  /**
   * The way to make a tier of a slice now; undefined where none would be seen.
   * @param cap what there is room for beside others
   */
  choose(tier: Tier, slice: SliceFacts, cap: Grade): Variant | undefined {
    const facts = this.#facts(tier, slice);
    const variant = chooseVariant(facts, this.#history);
    return variant === 'full' && isFastAlone(facts, tier, cap) ? 'fast' : variant;
  }

  /** The way to try a tier of a slice while there is nothing else to do; undefined where it could not be seen. */
  whenIdle(tier: Tier, slice: SliceFacts): Variant | undefined {
    return chooseWhenIdle(this.#facts(tier, slice));
  }

  /** Whether a slice may be made so before there is anything of the next one. */
  mayGoFirst(tier: Tier, variant: Variant, slice: SliceFacts): boolean {
    return mayGoFirst(this.#facts(tier, slice), variant);
  }

  /** Whether there is time to make a tier again, full, that was made fast. */
  mayUpgrade(tier: Tier, slice: SliceFacts, cap: Grade): boolean {
    const facts = this.#facts(tier, slice);
    return !isFastAlone(facts, tier, cap) && mayBeUpgraded(facts, this.#history);
  }

  /** Whether a slice ahead goes without its draft: time is short, and its base will be ready before it is seen. */
  skipsDraft(untilSeenMs: number): boolean {
    return this.#history.last === 'fast' && this.#costs.sliceMs('base') * MARGIN <= untilSeenMs;
  }

  /** A tier of a slice is begun this way. @param slice its index within its revision */
  begun(tier: Tier, variant: Variant, slice: number): void {
    if (this.#fastSize(tier) === undefined || slice < FIRST_SLICES) return;
    this.#history = afterSlice(this.#history, variant);
  }

  /**
   * A tier of a slice was given up after so long, because the slice had passed. What takes longer than a slice counts as
   * that long: else a machine that stood still for a moment would never try again.
   */
  gaveUp(tier: Tier, variant: Variant, ms: number): void {
    const { frames, fps } = this.#info.slice;
    if (this.#fastSize(tier)) this.#costs.atLeast(gradeOf({ tier, variant }), Math.min(ms, (frames * 1000) / fps));
  }

  #facts(tier: Tier, slice: SliceFacts): VariantFacts {
    const { frames, fps } = this.#info.slice;
    const fast = this.#fastSize(tier);
    const below = this.#info.tiers[this.#info.tiers.findIndex((info) => info.tier === tier) - 1]?.tier;
    const belowMs = below ? this.#costs.sliceMs(below) : 0;
    // Until it is known: about what the tiers below cost.
    const fastMs = fast && (this.#costs.gradeMs(gradeOf({ tier, variant: 'fast' })) ?? belowMs);
    return {
      ...slice,
      hasFast: fast !== undefined,
      costMs: { fast: fastMs, full: this.#costs.gradeMs(tier) ?? (fastMs && fastMs * this.#pixelRatio(tier)) },
      belowMs,
      draftMs: this.#costs.sliceMs('draft'),
      sliceMs: (frames * 1000) / fps,
    };
  }

  #fastSize(tier: Tier) {
    return this.#info.tiers.find((info) => info.tier === tier)?.fast;
  }

  /** Pixels of the full picture over those of the fast one: as much dearer it is, until it is measured. */
  #pixelRatio(tier: Tier): number {
    const full = this.#info.tiers.find((info) => info.tier === tier);
    const fast = full?.fast;
    return full && fast ? (full.widthPx * full.heightPx) / (fast.widthPx * fast.heightPx) : 1;
  }
}

const isFastAlone = ({ hasFast }: VariantFacts, tier: Tier, cap: Grade): boolean =>
  hasFast && variantOfGrade(cap) === 'fast' && gradeOf({ tier, variant: 'fast' }) === cap;
