/** What one revision wants next: what its slices have reached, where the playhead is, and what there is time for. */
import type { GeneratorInfo } from '../generation/generator.ts';
import { gradeOf, improves, tierOfGrade, type Grade } from '../generation/grades.ts';
import { tierRank, type Tier } from '../picture/tiers.ts';
import { planNext, type PlannedWork } from '../timeline/planner.ts';
import type { SliceFacts, SliceVariants } from './slice-variants.ts';

export interface RevisionPlanOptions {
  info: GeneratorInfo;
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  variants: SliceVariants;
  /** Frame of this revision under the playhead; 0 before it plays. */
  playheadFrame: () => number;
  tierCap: () => Tier;
  /** What there is room for beside other sessions, by tier and by the way it is made. Default: all. */
  gradeCap?: (() => Grade) | undefined;
  /** The picture stands: what is under the playhead is seen for as long. Default: it runs. */
  paused?: (() => boolean) | undefined;
}

export class RevisionPlan {
  readonly #options: RevisionPlanOptions;
  readonly #grades = new Map<number, Grade>();
  /** Of all slices so far. */
  #best: Grade | undefined;

  constructor(options: RevisionPlanOptions) {
    this.#options = options;
  }

  /** Undefined while there is nothing to do. */
  next(): PlannedWork | undefined {
    const { info, sliceCount, variants, tierCap, gradeCap = () => 'upscaled' as const } = this.#options;
    return planNext({
      gradeOf: (slice) => this.#grades.get(slice),
      playheadSlice: this.playheadSlice,
      sliceCount,
      tiers: info.tiers.map(({ tier }) => tier),
      tierCap: tierCap(),
      variantFor: (slice, tier) => variants.choose(tier, this.#facts(slice, tier), gradeCap()),
      whenIdle: (slice, tier) => variants.whenIdle(tier, this.#facts(slice, tier)),
      mayGoFirst: (slice, tier, variant) => variants.mayGoFirst(tier, variant, this.#facts(slice, tier)),
      mayUpgrade: (slice, tier) => variants.mayUpgrade(tier, this.#facts(slice, tier), gradeCap()),
      skipsDraft: (slice) => variants.skipsDraft(this.untilSeenMs(slice)),
    });
  }

  /** Work is begun as it was planned. */
  begun({ slice, tier, variant }: PlannedWork): void {
    // Made again in full, a slice says nothing of the next one.
    const isUpgrade = this.#grades.get(slice) === gradeOf({ tier, variant: 'fast' });
    if (!isUpgrade) this.#options.variants.begun(tier, variant, slice);
  }

  reached(slice: number, grade: Grade): void {
    this.#grades.set(slice, grade);
    if (improves(grade, this.#best)) this.#best = grade;
  }

  /** True when there is nothing better to be made of a slice. */
  isFinished(slice: number): boolean {
    return this.#grades.get(slice) === this.#options.info.tiers.at(-1)?.tier;
  }

  forgetBefore(slice: number): void {
    for (const known of this.#grades.keys()) if (known < slice) this.#grades.delete(known);
  }

  get playheadSlice(): number {
    return Math.floor(this.#options.playheadFrame() / this.#options.info.slice.frames);
  }

  /** Negative for a slice that has begun to play. */
  untilSeenMs(slice: number): number {
    const { info, playheadFrame } = this.#options;
    return ((slice * info.slice.frames - playheadFrame()) * 1000) / info.slice.fps;
  }

  #facts(slice: number, tier: Tier): SliceFacts {
    const untilSeenMs = this.untilSeenMs(slice);
    const stands = this.#options.paused?.() ?? false;
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
