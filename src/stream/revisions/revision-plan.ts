/** Plans the next work of one revision from its slices' grades, the playhead and the time left. */
import type { GeneratorInfo } from '../../generation/generator.ts';
import { gradeOf, improves, tierOfGrade, type Grade } from '../../generation/grades.ts';
import { tierRank, type Tier } from '../../picture/tiers.ts';
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
  /** Best grade (tier and variant) that the load of other sessions allows. Default: all. */
  gradeCap?: (() => Grade) | undefined;
  /** True while playback is paused: the slice under the playhead stays on screen. Default: false. */
  paused?: (() => boolean) | undefined;
}

export class RevisionPlan {
  readonly #options: RevisionPlanOptions;
  readonly #grades = new Map<number, Grade>();
  /** Best grade of any slice so far. */
  #best: Grade | undefined;

  constructor(options: RevisionPlanOptions) {
    this.#options = options;
  }

  /** Undefined while there is no work. */
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
    return this.#grades.get(slice) === this.#options.info.tiers.at(-1)?.tier;
  }

  forgetBefore(slice: number): void {
    for (const known of this.#grades.keys()) if (known < slice) this.#grades.delete(known);
  }

  get playheadSlice(): number {
    return Math.floor(this.#options.playheadFrame() / this.#options.info.slice.frames);
  }

  /** Time until a slice plays, ms; negative for a slice that has started to play. */
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
