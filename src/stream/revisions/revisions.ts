/**
 * The revisions of one stream: the one that plays and the one being made. Every change of prompt or parameters starts
 * a new revision and stops computing the old one at once. The old pictures play until the first picture of the new one
 * is ready.
 */
import { randomInt } from 'node:crypto';
import type { GlimpseError } from '../../errors.ts';
import type { Rendition } from '../../generation/generator.ts';
import {
  joinPrompts,
  promptStretches,
  type PromptStretch,
  type PromptTrack,
} from '../../generation/prompt/prompt-list.ts';
import { tierRank, type Tier } from '../../picture/tiers.ts';
import type { Playout } from '../timeline/playout.ts';
import type { Timeline, Placement } from '../timeline/timeline.ts';
import { NOTHING_TAKEN_OVER, slotToBend, takeOver, type TakenOver } from './renoise.ts';
import type { Limits, Making, Progress, RunFacts, Work } from './making.ts';
import { RevisionRun, type RevisionRequest } from './revision-run.ts';
import { SliceVariants } from './slice-variants.ts';
import type { SteeringDecision } from '../steering.ts';
import { kept } from '../../lifetime/kept-promise.ts';

export interface RevisionsOptions {
  making: Making;
  work: Work;
  timeline: Timeline;
  playout: Playout;
  onPlaced: (rendition: Rendition, placement: Placement) => void;
  onProgress?: (revision: number, slice: number, progress: Progress) => void;
  onError: (error: GlimpseError) => void;
}

export interface RevisionChange {
  /** Undefined keeps the current ones. */
  prompts: readonly string[] | undefined;
  seed: number | undefined;
  guidance: number | undefined;
  decision: SteeringDecision;
}

/** The running revision, described for the viewer. */
export interface RunningRevision {
  revision: number;
  /** The prompts as one text. */
  prompt: string;
  seed: number;
  guidance: number | undefined;
  stretches: PromptStretch[];
  /** The slice under the playhead has latents that a change can start from. */
  bendable: boolean;
}

export class Revisions {
  readonly #options: RevisionsOptions;
  readonly #ending = new Set<Promise<void>>();
  /** Acceptance times of the latest revisions, by revision; `begin` bounds the map. */
  readonly #acceptedUs = new Map<number, number>();
  readonly #variants: SliceVariants;
  #run: RevisionRun | undefined;
  #next = 0;
  #limits: Limits;

  constructor(options: RevisionsOptions, limits: Limits) {
    const { generator, scheduler } = options.making;
    this.#options = options;
    this.#limits = limits;
    this.#variants = new SliceVariants({ info: generator.info, costs: scheduler.costs });
  }

  /** Number of the latest revision; -1 before the first. */
  get latest(): number {
    return this.#next - 1;
  }

  get current(): RunningRevision | undefined {
    return this.#run && this.#describe(this.#run);
  }

  /** True when the playing revision has nothing left to compute. */
  get finished(): boolean {
    return this.#run?.request.revision === this.#options.playout.revision && this.#run.complete;
  }

  /** Starts a revision. Its number returns at once; its pictures follow when they are made. */
  begin({ prompts, seed, guidance, decision }: RevisionChange): RunningRevision {
    const { making, work, timeline, onError } = this.#options;
    const { sliceCount } = work;
    const last = this.#run;
    const { from, inPlaceOf, ...taken } = last ? this.#takeOver(last, decision) : NOTHING_TAKEN_OVER;
    const { transitionSlices, interpolation } = decision;
    const keptSlices = taken.kept ? 1 : 0;
    const track: PromptTrack =
      prompts || !last
        ? { prompts: prompts ?? [], from, keptSlices, sliceCount, transitionSlices, interpolation }
        : goOn(last.request.track, inPlaceOf);
    const request: RevisionRequest = {
      revision: this.#next++,
      track,
      seed: seed ?? last?.request.seed ?? randomInt(2 ** 32),
      guidance: guidance ?? last?.request.guidance,
      ...taken,
    };
    if (last) this.#end(last);
    this.#acceptedUs.delete(request.revision - 2);
    // A revision that keeps the running slice starts with an old picture: there is no latency to measure.
    if (!taken.kept) this.#acceptedUs.set(request.revision, making.clock.nowUs());
    if (last && inPlaceOf !== undefined) this.#switchInPlace(last.request.revision, request, inPlaceOf);
    const run = new RevisionRun(
      {
        making,
        work,
        request,
        variants: this.#variants,
        onError,
        onProgress: (slice, progress) => this.#options.onProgress?.(request.revision, slice, progress),
        onRendition: (rendition) => this.#options.onPlaced(rendition, timeline.put(rendition)),
      },
      this.#factsFor(request.revision),
    );
    this.#run = run;
    return this.#describe(run);
  }

  /** Milliseconds since the revision was accepted; undefined for an old one. */
  sinceAcceptedMs(revision: number): number | undefined {
    const acceptedUs = this.#acceptedUs.get(revision);
    return acceptedUs === undefined ? undefined : (this.#options.making.clock.nowUs() - acceptedUs) / 1000;
  }

  /** True from `refined` on, or at the generator's best tier if that is lower. */
  isRefined(tier: Tier): boolean {
    const made = this.#options.making.generator.info.tiers.map((info) => tierRank(info.tier));
    return tierRank(tier) >= Math.min(tierRank('refined'), Math.max(...made));
  }

  update(limits: Limits): void {
    this.#limits = limits;
    this.follow();
  }

  /** The playhead has moved, stands or goes on. */
  follow(): void {
    const { timeline, playout, work } = this.#options;
    if (work.sliceCount === undefined && playout.revision === timeline.revision)
      timeline.dropBefore(Math.floor(playout.frameIndex / timeline.framesPerSlice) - 1);
    this.#run?.update(this.#factsFor(this.#run.request.revision));
  }

  async close(): Promise<void> {
    if (this.#run) this.#end(this.#run);
    await Promise.all(this.#ending);
  }

  #describe(run: RevisionRun): RunningRevision {
    const { revision, track, seed, guidance } = run.request;
    const { startsFromLatents = false } = this.#options.making.generator.info;
    const bendable = startsFromLatents && run.latentsOf(this.#slotToBend(run)) !== undefined;
    const prompt = joinPrompts(track.prompts);
    return { revision, prompt, seed, guidance, stretches: promptStretches(track), bendable };
  }

  #takeOver(last: RevisionRun, decision: SteeringDecision): TakenOver {
    const { timeline, making, work } = this.#options;
    const { frames, fps } = making.generator.info.slice;
    const { sliceCount } = work;
    const slice = this.#slotToBend(last);
    return takeOver(last, decision, { slice, sliceMs: (frames * 1000) / fps, sliceCount, timeline });
  }

  /** Keeps the playhead's position in the slice. A kept slice is placed at once under the new revision. */
  #switchInPlace(of: number, { revision, kept }: RevisionRequest, slice: number): void {
    const { timeline, playout, onPlaced } = this.#options;
    const frames = timeline.framesPerSlice;
    playout.switchInPlace({ revision, of, firstFrame: slice * frames, frames });
    if (!kept) return;
    const { tier, variant, frames: shown, audio } = kept;
    const rendition: Rendition = {
      revision,
      slice: 0,
      tier,
      variant,
      frames: shown,
      computeMs: 0,
      ...(audio && { audio }),
    };
    onPlaced(rendition, timeline.put(rendition));
  }

  #slotToBend(run: RevisionRun): number {
    return slotToBend(run, this.#options.playout, this.#options.timeline.framesPerSlice);
  }

  #end(run: RevisionRun): void {
    const ended = kept(run.close().finally(() => this.#ending.delete(ended)));
    this.#ending.add(ended);
  }

  #factsFor(revision: number): RunFacts {
    const { playout } = this.#options;
    // The timeline switches first and the playhead follows with the next picture: until then it refers to the old one.
    const playheadFrame = playout.revision === revision ? playout.frameIndex : 0;
    return { ...this.#limits, playheadFrame, stands: playout.stands };
  }
}

/** The same prompts: continued from the current slice, or from their start when the revision starts over. */
const goOn = (track: PromptTrack, inPlaceOf: number | undefined): PromptTrack =>
  inPlaceOf === undefined
    ? { ...track, from: undefined, keptSlices: 0, firstSlice: 0 }
    : { ...track, firstSlice: (track.firstSlice ?? 0) + inPlaceOf };
