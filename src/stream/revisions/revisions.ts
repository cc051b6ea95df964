/**
 * The revisions of one session: the one that plays and the one being made. Every change of prompt or parameters starts
 * a new revision and stops computing the old one at once. The old pictures play until the first picture of the new one
 * is ready.
 */
import { randomInt } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { GlimpseError } from '../../errors.ts';
import type { Generator, Rendition } from '../../generation/generator.ts';
import type { Scheduler } from '../../generation/engine/scheduler.ts';
import {
  joinPrompts,
  promptStretches,
  type PromptStretch,
  type PromptTrack,
} from '../../generation/prompt/prompt-list.ts';
import type { Grade } from '../../generation/grades.ts';
import { tierRank, type Tier } from '../../picture/tiers.ts';
import type { Playout } from '../timeline/playout.ts';
import type { Timeline, Placement } from '../timeline/timeline.ts';
import { NOTHING_TAKEN_OVER, slotToBend, takeOver, type TakenOver } from './renoise.ts';
import type { User } from '../../session/contract.ts';
import { RevisionRun, type SessionInputs, type Progress, type RevisionRequest } from './revision-run.ts';
import { SliceVariants } from './slice-variants.ts';
import type { SteeringDecision } from '../steering.ts';
import { kept } from '../../lifetime/kept-promise.ts';

export interface RevisionsOptions {
  generator: Generator;
  scheduler: Scheduler;
  clock: Clock;
  timeline: Timeline;
  playout: Playout;
  sliceCount: number | undefined;
  user: User;
  inputs?: SessionInputs;
  tierCap: () => Tier;
  /** Best grade (tier and variant) that the load of other sessions allows. Default: all. */
  gradeCap?: () => Grade;
  /** False while the session waits for admission. */
  admitted: () => boolean;
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

  constructor(options: RevisionsOptions) {
    this.#options = options;
    this.#variants = new SliceVariants({ info: options.generator.info, costs: options.scheduler.costs });
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
    const { generator, scheduler, clock, timeline, sliceCount, user, tierCap, admitted, onError } = this.#options;
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
      sliceCount,
      ...taken,
    };
    if (last) this.#end(last);
    this.#acceptedUs.delete(request.revision - 2);
    // A revision that keeps the running slice starts with an old picture: there is no latency to measure.
    if (!taken.kept) this.#acceptedUs.set(request.revision, clock.nowUs());
    if (last && inPlaceOf !== undefined) this.#switchInPlace(last.request.revision, request, inPlaceOf);
    const run = new RevisionRun({
      generator,
      scheduler,
      clock,
      user,
      ...(this.#options.inputs && { inputs: this.#options.inputs }),
      request,
      playheadFrame: () => this.#playheadFrame(request.revision),
      tierCap,
      variants: this.#variants,
      ...(this.#options.gradeCap && { gradeCap: this.#options.gradeCap }),
      paused: () => this.#options.playout.paused,
      admitted,
      onError,
      onProgress: (slice, progress) => this.#options.onProgress?.(request.revision, slice, progress),
      onRendition: (rendition) => this.#options.onPlaced(rendition, timeline.put(rendition)),
    });
    this.#run = run;
    return this.#describe(run);
  }

  /** Milliseconds since the revision was accepted; undefined for an old one. */
  sinceAcceptedMs(revision: number): number | undefined {
    const acceptedUs = this.#acceptedUs.get(revision);
    return acceptedUs === undefined ? undefined : (this.#options.clock.nowUs() - acceptedUs) / 1000;
  }

  /** True from `refined` on, or at the generator's best tier if that is lower. */
  isRefined(tier: Tier): boolean {
    const made = this.#options.generator.info.tiers.map((info) => tierRank(info.tier));
    return tierRank(tier) >= Math.min(tierRank('refined'), Math.max(...made));
  }

  /** The playhead or the tier cap has moved. */
  wake(): void {
    const { timeline, playout } = this.#options;
    if (this.#options.sliceCount === undefined && playout.revision === timeline.revision)
      timeline.dropBefore(Math.floor(playout.frameIndex / timeline.framesPerSlice) - 1);
    this.#run?.wake();
  }

  async close(): Promise<void> {
    if (this.#run) this.#end(this.#run);
    await Promise.all(this.#ending);
  }

  #describe(run: RevisionRun): RunningRevision {
    const { revision, track, seed, guidance } = run.request;
    const { startsFromLatents = false } = this.#options.generator.info;
    const bendable = startsFromLatents && run.latentsOf(this.#slotToBend(run)) !== undefined;
    const prompt = joinPrompts(track.prompts);
    return { revision, prompt, seed, guidance, stretches: promptStretches(track), bendable };
  }

  #takeOver(last: RevisionRun, decision: SteeringDecision): TakenOver {
    const { timeline, generator } = this.#options;
    const { frames, fps } = generator.info.slice;
    return takeOver(last, decision, { slice: this.#slotToBend(last), sliceMs: (frames * 1000) / fps, timeline });
  }

  /** Keeps the playhead's position in the slice. A kept slice is placed at once under the new revision. */
  #switchInPlace(of: number, { revision, kept }: RevisionRequest, slice: number): void {
    const { timeline, playout, onPlaced } = this.#options;
    const frames = timeline.framesPerSlice;
    playout.switchInPlace({ revision, of, firstFrame: slice * frames, frames });
    if (!kept) return;
    const { tier, variant, frames: shown } = kept;
    const rendition: Rendition = { revision, slice: 0, tier, variant, frames: shown, computeMs: 0 };
    onPlaced(rendition, timeline.put(rendition));
  }

  #slotToBend(run: RevisionRun): number {
    return slotToBend(run, this.#options.playout, this.#options.timeline.framesPerSlice);
  }

  #end(run: RevisionRun): void {
    const ended = kept(run.close().finally(() => this.#ending.delete(ended)));
    this.#ending.add(ended);
  }

  #playheadFrame(revision: number): number {
    const { playout } = this.#options;
    // The timeline switches first and the playhead follows with the next picture: until then it refers to the old one.
    return playout.revision === revision ? playout.frameIndex : 0;
  }
}

/** The same prompts: continued from the current slice, or from their start when the revision starts over. */
const goOn = (track: PromptTrack, inPlaceOf: number | undefined): PromptTrack =>
  inPlaceOf === undefined
    ? { ...track, from: undefined, keptSlices: 0, firstSlice: 0 }
    : { ...track, firstSlice: (track.firstSlice ?? 0) + inPlaceOf };
