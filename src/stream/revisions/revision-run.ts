/**
 * Generates one revision of a stream's timeline. The planner names the next slice and tier; the slice's generator
 * makes it, and each step waits for its turn at the scheduler. More urgent work starts beside running work: a slice
 * that waits for polish does not delay the next picture. Slices that can no longer be seen are dropped.
 */
import { sleep } from '../../clock.ts';
import { toGlimpseError, type GlimpseError } from '../../errors.ts';
import type { Rendition, SliceJob } from '../../generation/generator.ts';
import { promptAt, type PromptTrack } from '../../generation/prompt/prompt-list.ts';
import type { Claim } from '../../generation/engine/scheduler.ts';
import { SliceJoints } from '../../generation/slices/slice-joints.ts';
import { gradeOf, type Variant } from '../../generation/grades.ts';
import type { LiveInput } from '../live-input.ts';
import { tierRank, type Tier } from '../../picture/tiers.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { PlannedWork } from '../timeline/planner.ts';
import type { I420Frame } from '../../picture/frame.ts';
import type { Sound } from '../../picture/sound.ts';
import { DriftReference } from '../../generation/slices/drift-reference.ts';
import type { Making, Progress, RunFacts, Work } from './making.ts';
import { OpenSlice } from './open-slice.ts';
import { RevisionPlan } from './revision-plan.ts';
import type { SliceVariants } from './slice-variants.ts';

/** The inputs of a revision. */
export interface RevisionRequest {
  revision: number;
  /** Which slice uses which prompt. */
  track: PromptTrack;
  seed: number;
  guidance: number | undefined;
  /** Start of the revision on the stream's time axis, ms; weather and motion continue across a change. */
  originMs: number;
  /** Latents that the first slice continues from, when the transition asks for it. */
  previous: Float32Array | undefined;
  /** Latents that slices start from instead of noise, by slice. */
  start: { latents: ReadonlyMap<number, Float32Array>; strength: number } | undefined;
  /** The first slice, when it is taken over unchanged. */
  kept:
    | { latents: Float32Array; tier: Tier; variant: Variant; frames: I420Frame[]; audio?: Sound | undefined }
    | undefined;
}

export interface RevisionRunOptions {
  making: Making;
  work: Work;
  request: RevisionRequest;
  variants: SliceVariants;
  /** A tier of a slice, or a run of its frames; the last run of a tier ends at the slice's end. */
  onRendition: (rendition: Rendition) => void;
  /** Progress of a slice, where the generator reports it. */
  onProgress?: (slice: number, progress: Progress) => void;
  /** The generator failed; the run retries by itself. */
  onError: (error: GlimpseError) => void;
}

/** Delay before a failed generator is retried, ms; doubles up to `most`. */
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
  /** The camera that this revision follows; another revision begins when it comes or goes. */
  readonly #live: LiveInput | undefined;
  /** Tiers being computed, by slice, until each is placed. */
  readonly #pulls = new Map<OpenSlice, Promise<void>>();
  #failure: GlimpseError | undefined;
  #retryMs: number = RETRY_MS.first;
  #wake: (() => void) | undefined;
  #woken = false;
  readonly #done: Promise<void>;

  constructor(options: RevisionRunOptions, facts: RunFacts) {
    const { making, work, request, variants } = options;
    const { generator } = making;
    this.#options = options;
    this.request = request;
    this.#live = work.live?.active === true ? work.live : undefined;
    const following = this.#live !== undefined;
    this.#plan = new RevisionPlan({ generator, sliceCount: work.sliceCount, variants, following }, facts);
    this.#reference = new DriftReference(work.inputs.options?.adain === true);
    this.#joints = new SliceJoints(generator.info.slice);
    this.#keep(request.kept);
    this.#done = this.#loop().catch((error: unknown) => options.onError(toGlimpseError(error)));
  }

  /** Goes on with newer facts. */
  update(facts: RunFacts): void {
    if (this.#plan.update(facts)) this.#lookAgain();
  }

  /** True when everything planned up to the tier cap is computed. */
  get complete(): boolean {
    return this.#plan.admitted && this.#plan.next() === undefined;
  }

  /** The best latents of a slice, for another revision to continue from. */
  latentsOf(slice: number): Float32Array | undefined {
    return slice < 0 ? this.request.previous : this.#latents.get(slice)?.latents;
  }

  /** Takes over the finished first slice: it is not computed, and the next one continues from it. */
  #keep(kept: RevisionRequest['kept']): void {
    const best = this.#options.making.generator.info.tiers.at(-1)?.tier;
    if (kept === undefined || best === undefined) return;
    this.#plan.reached(0, best);
    this.#latents.set(0, { tier: best, latents: kept.latents });
    this.#joints.begin(0, kept.frames);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#lookAgain();
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
      // Only the end of the run cuts a back-off short.
      await sleep(this.#options.making.clock, Math.max(this.#retryMs, retryAfterMs), signal);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
    }
    await Promise.all([...this.#open.keys()].map((slice) => this.#drop(slice)));
    await Promise.all(this.#pulls.values());
  }

  /** Whether to start `work` now: everything in progress is less urgent. */
  #isMoreUrgent(work: PlannedWork): boolean {
    if (!this.#plan.admitted) return false;
    const open = this.#open.get(work.slice);
    if (open && this.#pulls.has(open)) {
      // The playhead may have reached a slice whose work began as polish.
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
    open.wanted = { tier, variant, sinceUs: this.#options.making.clock.nowUs() };
    const pulled = open;
    const pull = kept(
      this.#pull(slice, pulled, tier).finally(() => {
        this.#pulls.delete(pulled);
        this.#lookAgain();
      }),
    );
    this.#pulls.set(pulled, pull);
  }

  /** Never rejects: the loop handles the failure. */
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
      if (rendition.cached === undefined) this.#options.making.scheduler.costs.observe(grade, rendition.computeMs);
      this.#options.onRendition(rendition);
    } catch (error) {
      if (this.#abort.signal.aborted || open.closed) return;
      this.#failure = toGlimpseError(error, 'GENERATOR_DOWN');
      await this.#drop(slice);
    }
  }

  #claim({ slice, tier, variant, rank }: PlannedWork): Claim {
    const { clock, scheduler } = this.#options.making;
    const { user } = this.#options.work;
    const deadlineUs = clock.nowUs() + Math.max(0, this.#plan.untilSeenMs(slice)) * 1000;
    const costMs = scheduler.costs.gradeMs(gradeOf({ tier, variant })) ?? 0;
    return { rank, deadlineUs, costMs, user: user.id, weight: user.weight };
  }

  #start(work: PlannedWork, previous: { tier: Tier; latents: Float32Array } | undefined): OpenSlice {
    const { slice, tier } = work;
    const { making, onError: onRetry, onProgress } = this.#options;
    const { generator } = making;
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
      ...this.#options.work.inputs,
      ...(this.#live && { live: this.#live, liveStrength: this.#live.strength }),
      ...this.#reference.of(told),
      ...(start && latents ? { start: { latents, strength: start.strength } } : {}),
    };
    const claim = this.#claim({ ...work, rank: 2 });
    const { signal } = this.#abort;
    const open = new OpenSlice({
      making,
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

  /** Drops slices that can no longer be shown (live) or improved, even those that wait for a turn. */
  async #forget(): Promise<void> {
    const live = this.#options.work.sliceCount === undefined;
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

  /** Records how long work took that did not finish in time. */
  #gaveUp({ wanted: { tier, variant, sinceUs } }: OpenSlice): void {
    this.#options.variants.gaveUp(tier, variant, (this.#options.making.clock.nowUs() - sinceUs) / 1000);
  }

  async #drop(slice: number): Promise<void> {
    const open = this.#open.get(slice);
    this.#open.delete(slice);
    await open?.close();
  }

  get #framesPerSlice(): number {
    return this.#options.making.generator.info.slice.frames;
  }

  #frameMs(frames: number): number {
    return (frames * 1000) / this.#options.making.generator.info.slice.fps;
  }

  #lookAgain(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves when the plan may have changed or a pull has ended. */
  async #change(): Promise<void> {
    if (!this.#woken && !this.#abort.signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#woken = false;
    this.#wake = undefined;
  }
}
