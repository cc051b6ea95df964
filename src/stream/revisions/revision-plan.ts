/** Plans the next work of one revision from its slices' grades, the playhead and the time left. */
import type { Generator } from '../../generation/generator.ts';
import { gradeOf, improves, tierOfGrade, type Grade } from '../../generation/grades.ts';
import { lowerTier, tierRank, type Tier } from '../../picture/tiers.ts';
import { CAMERA_SLICES_AHEAD, planNext, type PlannedWork } from '../timeline/planner.ts';
import type { RunFacts } from './making.ts';
import type { SliceFacts, SliceVariants } from './slice-variants.ts';

export interface RevisionPlanOptions {
  generator: Pick<Generator, 'info' | 'tierCap'>;
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  /** Chooses how each tier is made in the time left. */
  variants: SliceVariants;
  /** A camera is followed. Default: no. */
  following?: boolean;
}

export class RevisionPlan {
  readonly #options: RevisionPlanOptions;
  readonly #grades = new Map<number, Grade>();
  /** Best grade of any slice so far. */
  #best: Grade | undefined;
  #facts: RunFacts;

  constructor(options: RevisionPlanOptions, facts: RunFacts) {
    this.#options = options;
    this.#facts = facts;
  }

  /** Takes newer facts; returns whether they may change what is next. */
  update(facts: RunFacts): boolean {
    const before = this.#facts;
    const sliceBefore = this.playheadSlice;
    this.#facts = facts;
    return (
      facts.admitted !== before.admitted ||
      facts.tierCap !== before.tierCap ||
      facts.gradeCap !== before.gradeCap ||
      facts.stands !== before.stands ||
      this.playheadSlice !== sliceBefore
    );
  }

  get admitted(): boolean {
    return this.#facts.admitted;
  }

  /** Undefined while there is no work. */
  next(): PlannedWork | undefined {
    const { generator, sliceCount, variants, following = false } = this.#options;
    const { tierCap, gradeCap } = this.#facts;
    // While it recovers from failures, a generator makes fewer tiers.
    const best = generator.tierCap ?? tierCap;
    return planNext({
      gradeOf: (slice) => this.#grades.get(slice),
      playheadSlice: this.playheadSlice,
      sliceCount,
      ...(following && { slicesAhead: CAMERA_SLICES_AHEAD }),
      draftsFirst: generator.info.progressive,
      tiers: generator.info.tiers.map(({ tier }) => tier),
      tierCap: lowerTier(tierCap, best),
      variantFor: (slice, tier) => variants.choose(tier, this.#sliceFacts(slice, tier), gradeCap),
      whenIdle: (slice, tier) => variants.whenIdle(tier, this.#sliceFacts(slice, tier)),
      mayGoFirst: (slice, tier, variant) => variants.mayGoFirst(tier, variant, this.#sliceFacts(slice, tier)),
      mayUpgrade: (slice, tier) => variants.mayUpgrade(tier, this.#sliceFacts(slice, tier), gradeCap),
      skipsDraft: (slice) => variants.skipsDraft(this.untilSeenMs(slice)),
    });
  }

  /** Records that planned work has started. */
  begun({ slice, tier, variant }: PlannedWork): void {
    // An upgrade to full says nothing about the time left for the next slice.
    const isUpgrade = this.#grades.get(slice) === gradeOf({ tier, variant: 'fast' });
    if (!isUpgrade) this.#options.variants.begun(tier, variant, slice);
  }

  reached(slice: number, grade: Grade): void {
    this.#grades.set(slice, grade);
    if (improves(grade, this.#best)) this.#best = grade;
  }

  /** True when a slice cannot be improved. */
  isFinished(slice: number): boolean {
    return this.#grades.get(slice) === this.#options.generator.info.tiers.at(-1)?.tier;
  }

  forgetBefore(slice: number): void {
    for (const known of this.#grades.keys()) if (known < slice) this.#grades.delete(known);
  }

  get playheadSlice(): number {
    return Math.floor(this.#facts.playheadFrame / this.#options.generator.info.slice.frames);
  }

  /** Time until a slice plays, ms; negative for a slice that has started to play. */
  untilSeenMs(slice: number): number {
    const { frames, fps } = this.#options.generator.info.slice;
    return ((slice * frames - this.#facts.playheadFrame) * 1000) / fps;
  }

  #sliceFacts(slice: number, tier: Tier): SliceFacts {
    const untilSeenMs = this.untilSeenMs(slice);
    const { stands } = this.#facts;
    return {
      untilSeenMs: stands && untilSeenMs > 0 ? Infinity : untilSeenMs,
      untilOverMs: stands ? Infinity : this.untilSeenMs(slice + 1),
      nextWaits: lacks(this.#grades.get(slice + 1), tier),
      isFirst: lacks(this.#best, tier),
    };
  }
}

const lacks = (grade: Grade | undefined, tier: Tier): boolean =>
  grade === undefined || tierRank(tierOfGrade(grade)) < tierRank(tier);
