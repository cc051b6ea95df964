/**
 * Chooses how one stream's slices are made: collects the inputs of `chooseVariant` and remembers its decisions.
 * Lives as long as the stream, because a machine too slow for one revision is too slow for the next.
 */
import { gradeOf, variantOfGrade, type Grade, type Variant } from '../../generation/grades.ts';
import type { GeneratorInfo } from '../../generation/generator.ts';
import type { Tier } from '../../picture/tiers.ts';
import {
  afterSlice,
  chooseVariant,
  chooseWhenIdle,
  mayBeUpgraded,
  MARGIN,
  mayGoFirst,
  NO_HISTORY,
  type VariantFacts,
} from '../../generation/engine/variant-choice.ts';
import type { WorkCosts } from '../../generation/engine/work-costs.ts';

/** First slices of a revision, made before there is a lead: their timing does not measure the machine. */
const FIRST_SLICES = 2;

/** The facts about a slice that `chooseVariant` takes. */
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
   * The variant in which to make a tier of a slice now; undefined where it could not be seen.
   * @param cap best grade that the load of other streams allows
   */
  choose(tier: Tier, slice: SliceFacts, cap: Grade): Variant | undefined {
    const facts = this.#facts(tier, slice);
    const variant = chooseVariant(facts, this.#history);
    return variant === 'full' && isFastAlone(facts, tier, cap) ? 'fast' : variant;
  }

  /** The variant to try while there is no other work; undefined where it could not be seen. */
  whenIdle(tier: Tier, slice: SliceFacts): Variant | undefined {
    return chooseWhenIdle(this.#facts(tier, slice));
  }

  /** Whether this work may run before the next slice has any picture. */
  mayGoFirst(tier: Tier, variant: Variant, slice: SliceFacts): boolean {
    return mayGoFirst(this.#facts(tier, slice), variant);
  }

  /** Whether there is time to make in full a tier that was made fast. */
  mayUpgrade(tier: Tier, slice: SliceFacts, cap: Grade): boolean {
    const facts = this.#facts(tier, slice);
    return !isFastAlone(facts, tier, cap) && mayBeUpgraded(facts, this.#history);
  }

  /** Whether a slice ahead skips its draft: time is short, and its base will be ready before it is seen. */
  skipsDraft(untilSeenMs: number): boolean {
    return this.#history.last === 'fast' && this.#costs.sliceMs('base') * MARGIN <= untilSeenMs;
  }

  /** Records how a tier of a slice is being made. @param slice its index within its revision */
  begun(tier: Tier, variant: Variant, slice: number): void {
    if (this.#fastSize(tier) === undefined || slice < FIRST_SLICES) return;
    this.#history = afterSlice(this.#history, variant);
  }

  /**
   * Records work dropped after `ms` because its slice had passed. The value counts as a slice's length at most:
   * otherwise a machine that stalled once would never try this grade again.
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
    // Estimate until measured: about the cost of the tiers below.
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

  /** Pixels of the full picture over those of the fast one: the estimate of its relative cost until measured. */
  #pixelRatio(tier: Tier): number {
    const full = this.#info.tiers.find((info) => info.tier === tier);
    const fast = full?.fast;
    return full && fast ? (full.widthPx * full.heightPx) / (fast.widthPx * fast.heightPx) : 1;
  }
}

const isFastAlone = ({ hasFast }: VariantFacts, tier: Tier, cap: Grade): boolean =>
  hasFast && variantOfGrade(cap) === 'fast' && gradeOf({ tier, variant: 'fast' }) === cap;
