/**
 * Generates one revision of a session's timeline: asks the planner what is wanted next and pulls that tier from the
 * slice's generator, whose steps wait for their turns at the scheduler. What has become more urgent meanwhile is begun
 * beside it: a slice that waits for its polish does not hold up the next picture. What can no longer be seen is let go.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { toGlimpseError, type GlimpseError } from '../errors.ts';
import type { GenerateOptions, Generator, Rendition, SliceJob } from '../generation/generator.ts';
import { promptAt, type PromptTrack } from '../generation/prompt/prompt-list.ts';
import type { Claim, Scheduler } from '../generation/engine/scheduler.ts';
import { SliceJoints } from '../generation/slices/slice-joints.ts';
import { gradeOf, type Grade, type Variant } from '../generation/grades.ts';
import { tierRank, type Tier } from '../picture/tiers.ts';
import { kept } from '../lifetime/kept-promise.ts';
import type { PlannedWork } from '../timeline/planner.ts';
import type { I420Frame } from '../picture/frame.ts';
import type { User } from './contract.ts';
import { DriftReference } from '../generation/slices/drift-reference.ts';
import { OpenSlice } from './open-slice.ts';
import { RevisionPlan } from './revision-plan.ts';
import type { SliceVariants } from './slice-variants.ts';

/** What a revision is generated from. */
export interface RevisionRequest {
  revision: number;
  /** Which slice is made from which prompt. */
  track: PromptTrack;
  seed: number;
  guidance: number | undefined;
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  /** Where the revision goes on from: weather and motion run through a bend. ms */
  originMs: number;
  /** Latents its first slice continues from, when the transition asks for it. */
  previous: Float32Array | undefined;
  /** Latents its slices are made from instead of noise, by slice. */
  start: { latents: ReadonlyMap<number, Float32Array>; strength: number } | undefined;
  /** The first slice, when that is taken over as it is. */
  kept: { latents: Float32Array; tier: Tier; variant: Variant; frames: I420Frame[] } | undefined;
}

export interface RevisionRunOptions {
  generator: Generator;
  scheduler: Scheduler;
  clock: Clock;
  user: User;
  request: RevisionRequest;
  /** What the session uploaded and chose: the same for all its slices. */
  inputs?: SessionInputs;
  /** Frame of this revision under the playhead; 0 before it plays. */
  playheadFrame: () => number;
  tierCap: () => Tier;
  /** How its tiers are made, as time allows. */
  variants: SliceVariants;
  /** How they may be made beside other sessions. Default: in full. */
  gradeCap?: () => Grade;
  /** The picture stands: what is under the playhead is seen for as long. Default: it runs. */
  paused?: () => boolean;
  /** False while the session waits for admission: nothing is computed. */
  admitted: () => boolean;
  /** A tier of a slice, or a run of its frames; the last run of a tier ends at the slice's end. */
  onRendition: (rendition: Rendition) => void;
  /** How far a slice has come, where the generator says so. */
  onProgress?: (slice: number, progress: Progress) => void;
  /** The generator failed; the run tries again by itself. */
  onError: (error: GlimpseError) => void;
}

export type SessionInputs = Pick<SliceJob, 'input' | 'options'>;
export type Progress = Parameters<NonNullable<GenerateOptions['onProgress']>>[0];

/** Pause before a failed generator is asked again; doubles up to the second number. */
const RETRY_MS = { first: 250, most: 4_000 };

export class RevisionRun {
  readonly request: RevisionRequest;
  readonly #options: RevisionRunOptions;
  readonly #abort = new AbortController();
  readonly #open = new Map<number, OpenSlice>();
  readonly #plan: RevisionPlan;
  readonly #latents = new Map<number, { tier: Tier; latents: Float32Array }>();
  readonly #joints: SliceJoints;
  readonly #reference: DriftReference;
  /** Slices of which a tier is on its way, until it has found its place. */
  readonly #pulls = new Map<OpenSlice, Promise<void>>();
  #failure: GlimpseError | undefined;
  #retryMs: number = RETRY_MS.first;
  #wake: (() => void) | undefined;
  #woken = false;
  readonly #done: Promise<void>;

  constructor(options: RevisionRunOptions) {
    this.#options = options;
    this.request = options.request;
    this.#plan = new RevisionPlan({ ...options, info: options.generator.info, sliceCount: options.request.sliceCount });
    this.#reference = new DriftReference(options.inputs?.options?.adain === true);
    this.#joints = new SliceJoints(options.generator.info.slice);
    this.#keep(options.request.kept);
    this.#done = this.#loop().catch((error: unknown) => options.onError(toGlimpseError(error)));
  }

  /** Something the plan depends on has moved: playhead, tier cap, admission. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** True when everything the plan asks for up to the tier cap is there. */
  get complete(): boolean {
    return this.#options.admitted() && this.#plan.next() === undefined;
  }

  /** The best latents of a slice, to continue another revision from. */
  latentsOf(slice: number): Float32Array | undefined {
    return slice < 0 ? this.request.previous : this.#latents.get(slice)?.latents;
  }

  /** The first slice is there already: nothing of it is computed, and the next one continues from it. */
  #keep(kept: RevisionRequest['kept']): void {
    const best = this.#options.generator.info.tiers.at(-1)?.tier;
    if (kept === undefined || best === undefined) return;
    this.#plan.reached(0, best);
    this.#latents.set(0, { tier: best, latents: kept.latents });
    this.#joints.begin(0, kept.frames);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.wake();
    await this.#done;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#forget();
      const work = this.#plan.next();
      if (work && this.#isMoreUrgent(work)) await this.#begin(work);
      else await this.#change();
      if (this.#failure === undefined) continue;
      const { retryAfterMs = 0 } = this.#failure;
      this.#options.onError(this.#failure);
      this.#failure = undefined;
      await backOff(Math.max(this.#retryMs, retryAfterMs), signal);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
    }
    await Promise.all([...this.#open.keys()].map((slice) => this.#drop(slice)));
    await Promise.all(this.#pulls.values());
  }

  /** Whether to begin `work` now: nothing else is on its way, or only what is less urgent. */
  #isMoreUrgent(work: PlannedWork): boolean {
    if (!this.#options.admitted()) return false;
    const open = this.#open.get(work.slice);
    if (open && this.#pulls.has(open)) {
      // The playhead may have reached what began as polish.
      Object.assign(open.claim, this.#claim(work));
      return false;
    }
    return [...this.#pulls.keys()].every(({ closed, claim }) => closed || work.rank < claim.rank);
  }

  async #begin(work: PlannedWork): Promise<void> {
    const { slice, tier, variant } = work;
    const previous = slice === 0 ? undefined : this.#latents.get(slice - 1);
    let open = this.#open.get(slice);
    if (open?.previousTier && previous && tierRank(previous.tier) > tierRank(open.previousTier)) {
      await this.#drop(slice);
      open = undefined;
    }
    open ??= this.#start(work, previous);
    Object.assign(open.claim, this.#claim(work));
    this.#plan.begun(work);
    open.wanted = { tier, variant, sinceUs: this.#options.clock.nowUs() };
    const pulled = open;
    const pull = kept(
      this.#pull(slice, pulled, tier).finally(() => {
        this.#pulls.delete(pulled);
        this.wake();
      }),
    );
    this.#pulls.set(pulled, pull);
  }

  /** Never rejects: a failure is left for the loop. */
  async #pull(slice: number, open: OpenSlice, tier: Tier): Promise<void> {
    try {
      const last = await open.pull(tier, (run) => {
        if (!this.#abort.signal.aborted && !open.closed) this.#options.onRendition(run);
      });
      const rendition = await this.#joints.join(last, open.previousTier !== undefined);
      if (this.#abort.signal.aborted || open.closed) return;
      this.#retryMs = RETRY_MS.first;
      const grade = gradeOf(rendition);
      this.#plan.reached(slice, grade);
      const { latents } = rendition;
      if (latents) this.#latents.set(slice, { tier: rendition.tier, latents });
      if (latents) this.#reference.onSlice(promptAt(this.request.track, slice), rendition.tier, latents);
      if (rendition.cached === undefined) this.#options.scheduler.costs.observe(grade, rendition.computeMs);
      this.#options.onRendition(rendition);
    } catch (error) {
      if (this.#abort.signal.aborted || open.closed) return;
      this.#failure = toGlimpseError(error, 'GENERATOR_DOWN');
      await this.#drop(slice);
    }
  }

  #claim({ slice, tier, variant, rank }: PlannedWork): Claim {
    const { clock, user, scheduler } = this.#options;
    const deadlineUs = clock.nowUs() + Math.max(0, this.#plan.untilSeenMs(slice)) * 1000;
    const costMs = scheduler.costs.gradeMs(gradeOf({ tier, variant })) ?? 0;
    return { rank, deadlineUs, costMs, user: user.id, weight: user.weight };
  }

  #start(work: PlannedWork, previous: { tier: Tier; latents: Float32Array } | undefined): OpenSlice {
    const { slice, tier } = work;
    const { generator, scheduler, onError: onRetry, onProgress } = this.#options;
    const { revision, track, seed, guidance, originMs, start } = this.request;
    const continued = slice === 0 ? this.request.previous : previous?.latents;
    const latents = start?.latents.get(slice);
    const told = promptAt(track, slice);
    const job: SliceJob = {
      revision,
      slice,
      ...told,
      seed,
      startMs: originMs + this.#frameMs(slice * this.#framesPerSlice),
      startAtTier: tier,
      stopAtTier: generator.info.tiers.at(-1)?.tier ?? tier,
      ...(guidance === undefined ? {} : { guidance }),
      ...(continued === undefined ? {} : { previous: continued }),
      ...this.#options.inputs,
      ...this.#reference.of(told),
      ...(start && latents ? { start: { latents, strength: start.strength } } : {}),
    };
    const claim = this.#claim({ ...work, rank: 2 });
    const { signal } = this.#abort;
    const open = new OpenSlice({
      generator,
      scheduler,
      job,
      claim,
      previousTier: previous?.tier,
      signal,
      onRetry,
      onProgress: onProgress && ((progress) => onProgress(slice, progress)),
    });
    this.#open.set(slice, open);
    return open;
  }

  /** Lets go of what can no longer be shown (live) or improved, even where it still waits for a turn. */
  async #forget(): Promise<void> {
    const live = this.request.sliceCount === undefined;
    const behind = live ? this.#plan.playheadSlice - 1 : -1;
    for (const [slice, open] of this.#open) {
      const passed = live && slice < this.#plan.playheadSlice && this.#pulls.has(open);
      if (passed) this.#gaveUp(open);
      if (passed || slice < behind || this.#plan.isFinished(slice)) await this.#drop(slice);
    }
    for (const slice of this.#latents.keys()) if (slice < behind) this.#latents.delete(slice);
    this.#plan.forgetBefore(behind);
    this.#joints.forget((slice) => slice < behind || this.#plan.isFinished(slice + 1));
  }

  /** What does not come in time is seen from how long it has taken. */
  #gaveUp({ wanted: { tier, variant, sinceUs } }: OpenSlice): void {
    this.#options.variants.gaveUp(tier, variant, (this.#options.clock.nowUs() - sinceUs) / 1000);
  }

  async #drop(slice: number): Promise<void> {
    const open = this.#open.get(slice);
    this.#open.delete(slice);
    await open?.close();
  }

  get #framesPerSlice(): number {
    return this.#options.generator.info.slice.frames;
  }

  #frameMs(frames: number): number {
    return (frames * 1000) / this.#options.generator.info.slice.fps;
  }

  /** Until the plan may have changed, or a pull has ended. */
  async #change(): Promise<void> {
    if (!this.#woken && !this.#abort.signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#woken = false;
    this.#wake = undefined;
  }
}

/** Nothing but the end of the run cuts a back-off short. */
const backOff = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});
