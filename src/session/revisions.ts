/**
 * The revisions of one session: the one that plays and the one that is on its way. Every change of prompt or
 * parameters begins a new one and ends the computing of the old at once; the old pictures play on until the first
 * picture of the new one is there.
 */
import { randomInt } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { GlimpseError } from '../errors.ts';
import type { Generator, Rendition } from '../generation/generator.ts';
import type { Scheduler } from '../generation/scheduler.ts';
import { tierRank, type Tier } from '../generation/tiers.ts';
import type { Playout } from '../timeline/playout.ts';
import type { Timeline, Placement } from '../timeline/timeline.ts';
import type { Transition, User } from './contract.ts';
import { RevisionRun, type RevisionRequest } from './revision-run.ts';

export interface RevisionsOptions {
  generator: Generator;
  scheduler: Scheduler;
  clock: Clock;
  timeline: Timeline;
  playout: Playout;
  sliceCount: number | undefined;
  user: User;
  tierCap: () => Tier;
  /** False while the session waits for admission. */
  admitted: () => boolean;
  onPlaced: (rendition: Rendition, placement: Placement) => void;
  onError: (error: GlimpseError) => void;
}

export interface RevisionChange {
  prompt: string;
  seed: number | undefined;
  guidance: number | undefined;
  transition: Transition;
}

export class Revisions {
  readonly #options: RevisionsOptions;
  readonly #ending = new Set<Promise<void>>();
  /** When each revision that has not shown its best tier yet was accepted, by revision; bounded by `begin`. */
  readonly #acceptedUs = new Map<number, number>();
  #run: RevisionRun | undefined;
  #next = 0;

  constructor(options: RevisionsOptions) {
    this.#options = options;
  }

  get current(): RevisionRequest | undefined {
    return this.#run?.request;
  }

  /** True when nothing is left to compute of the revision that plays. */
  get finished(): boolean {
    return this.#run?.request.revision === this.#options.playout.revision && this.#run.complete;
  }

  /** Begins a revision; its number comes back at once, its pictures when they are made. */
  begin({ prompt, seed, guidance, transition }: RevisionChange): RevisionRequest {
    const { generator, scheduler, clock, timeline, sliceCount, user, tierCap, admitted, onError } = this.#options;
    const last = this.#run;
    const request: RevisionRequest = {
      revision: this.#next++,
      prompt,
      seed: seed ?? last?.request.seed ?? randomInt(2 ** 32),
      guidance: guidance ?? last?.request.guidance,
      sliceCount,
      previous: transition === 'continue' ? last?.latentsOf(this.#playheadSlice(last.request.revision)) : undefined,
    };
    if (last) this.#end(last);
    this.#acceptedUs.delete(request.revision - 2);
    this.#acceptedUs.set(request.revision, clock.nowUs());
    this.#run = new RevisionRun({
      generator,
      scheduler,
      clock,
      user,
      request,
      playheadFrame: () => this.#playheadFrame(request.revision),
      tierCap,
      admitted,
      onError,
      onRendition: (rendition) => this.#options.onPlaced(rendition, timeline.put(rendition)),
    });
    return request;
  }

  /** Milliseconds since the revision was accepted; undefined for one that is long past. */
  sinceAcceptedMs(revision: number): number | undefined {
    const acceptedUs = this.#acceptedUs.get(revision);
    return acceptedUs === undefined ? undefined : (this.#options.clock.nowUs() - acceptedUs) / 1000;
  }

  /** True from `refined` on, or at the best tier of a generator that makes nothing better. */
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

  #end(run: RevisionRun): void {
    const ended = run.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #playheadSlice(revision: number): number {
    return Math.floor(this.#playheadFrame(revision) / this.#options.timeline.framesPerSlice);
  }

  #playheadFrame(revision: number): number {
    const { playout } = this.#options;
    // The timeline switches first, the playhead follows with the next picture: until then it speaks of the old one.
    return playout.revision === revision ? playout.frameIndex : 0;
  }
}
