/**
 * Generates one revision of a session's timeline: asks the planner what is wanted next, waits for its turn at the
 * scheduler, pulls that tier from the slice's generator, hands the rendition on. A half-finished slice is a suspended
 * iterator, so polish can wait while the next slice gets its first picture.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { GlimpseError, toGlimpseError } from '../errors.ts';
import type { Generator, Rendition, SliceJob } from '../generation/generator.ts';
import type { Scheduler } from '../generation/scheduler.ts';
import { tierRank, type Tier } from '../generation/tiers.ts';
import { planNext, type PlannedWork } from '../timeline/planner.ts';

/** What a revision is generated from. */
export interface RevisionRequest {
  revision: number;
  prompt: string;
  seed: number;
  guidance: number | undefined;
  /** Slices of a clip; undefined in live mode. */
  sliceCount: number | undefined;
  /** Latents to continue from, when the transition asks for it. */
  previous: Float32Array | undefined;
}

export interface RevisionRunOptions {
  generator: Generator;
  scheduler: Scheduler;
  clock: Clock;
  request: RevisionRequest;
  /** Slice of this revision under the playhead; 0 before it plays. */
  playheadSlice: () => number;
  tierCap: () => Tier;
  onRendition: (rendition: Rendition) => void;
  /** The generator failed; the run tries again by itself. */
  onError: (error: GlimpseError) => void;
}

interface OpenSlice {
  iterator: AsyncIterator<Rendition>;
  /** Tier of the latents it continues from: a better predecessor makes the rest of it worth restarting. */
  previousTier: Tier | undefined;
}

/** Pause before a failed generator is asked again; doubles up to the second number. */
const RETRY_MS = { first: 250, most: 4_000 };

export class RevisionRun {
  readonly request: RevisionRequest;
  readonly #options: RevisionRunOptions;
  readonly #abort = new AbortController();
  readonly #open = new Map<number, OpenSlice>();
  readonly #tiers = new Map<number, Tier>();
  readonly #latents = new Map<number, { tier: Tier; latents: Float32Array }>();
  #wake: (() => void) | undefined;
  readonly #done: Promise<void>;

  constructor(options: RevisionRunOptions) {
    this.#options = options;
    this.request = options.request;
    this.#done = this.#loop();
  }

  /** Something the plan depends on has moved: playhead, tier cap. */
  wake(): void {
    this.#wake?.();
  }

  /** True when everything the plan asks for up to the tier cap is there. */
  get complete(): boolean {
    return this.#plan() === undefined;
  }

  /** The best latents of a slice, to continue another revision from. */
  latentsOf(slice: number): Float32Array | undefined {
    return this.#latents.get(slice)?.latents;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.wake();
    await this.#done;
  }

  async #loop(): Promise<void> {
    let retryMs = RETRY_MS.first;
    while (!this.#abort.signal.aborted) {
      const work = this.#plan();
      try {
        if (work) await this.#compute(work);
        else await this.#idle();
        retryMs = RETRY_MS.first;
      } catch (error) {
        if (this.#abort.signal.aborted) break;
        this.#options.onError(toGlimpseError(error, 'GENERATOR_DOWN'));
        if (work) await this.#drop(work.slice);
        await backOff(retryMs, this.#abort.signal);
        retryMs = Math.min(retryMs * 2, RETRY_MS.most);
      }
    }
    await Promise.all([...this.#open.keys()].map((slice) => this.#drop(slice)));
  }

  #plan(): PlannedWork | undefined {
    return planNext({
      tierOf: (slice) => this.#tiers.get(slice),
      playheadSlice: this.#options.playheadSlice(),
      sliceCount: this.request.sliceCount,
      tiers: this.#options.generator.info.tiers.map(({ tier }) => tier),
      tierCap: this.#options.tierCap(),
    });
  }

  async #compute(work: PlannedWork): Promise<void> {
    const { clock, scheduler } = this.#options;
    const { signal } = this.#abort;
    const aheadMs = (work.slice - this.#options.playheadSlice()) * this.#sliceMs;
    const deadlineUs = clock.nowUs() + aheadMs * 1000;
    const rendition = await scheduler.submit({ rank: work.rank, deadlineUs, signal, run: () => this.#pull(work) });
    if (signal.aborted) return;
    this.#tiers.set(work.slice, rendition.tier);
    if (rendition.latents) this.#latents.set(work.slice, { tier: rendition.tier, latents: rendition.latents });
    this.#options.onRendition(rendition);
    await this.#forget();
  }

  async #pull({ slice, tier }: PlannedWork): Promise<Rendition> {
    const previous = slice === 0 ? undefined : this.#latents.get(slice - 1);
    let open = this.#open.get(slice);
    if (open && previous && open.previousTier && tierRank(previous.tier) > tierRank(open.previousTier)) {
      await this.#drop(slice);
      open = undefined;
    }
    open ??= this.#start(slice, tier, previous);
    for (;;) {
      const { value, done } = await open.iterator.next();
      if (done) throw new GlimpseError('GENERATOR_DOWN', { message: `the generator ended before tier ${tier}` });
      if (tierRank(value.tier) >= tierRank(tier)) return value;
    }
  }

  #start(slice: number, tier: Tier, previous: { tier: Tier; latents: Float32Array } | undefined): OpenSlice {
    const { generator } = this.#options;
    const { revision, prompt, seed, guidance } = this.request;
    const continued = slice === 0 ? this.request.previous : previous?.latents;
    const job: SliceJob = {
      revision,
      slice,
      prompt,
      seed,
      startMs: slice * this.#sliceMs,
      startAtTier: tier,
      stopAtTier: generator.info.tiers.at(-1)?.tier ?? tier,
      ...(guidance === undefined ? {} : { guidance }),
      ...(continued === undefined ? {} : { previous: continued }),
    };
    const iterator = generator.generate(job, { signal: this.#abort.signal })[Symbol.asyncIterator]();
    const open = { iterator, previousTier: previous?.tier };
    this.#open.set(slice, open);
    return open;
  }

  /** Lets go of what can no longer be shown (live) or improved. */
  async #forget(): Promise<void> {
    const best = this.#options.generator.info.tiers.at(-1)?.tier;
    const behind = this.request.sliceCount === undefined ? this.#options.playheadSlice() - 1 : -1;
    for (const slice of this.#open.keys())
      if (slice < behind || this.#tiers.get(slice) === best) await this.#drop(slice);
    for (const slice of this.#latents.keys()) if (slice < behind) this.#latents.delete(slice);
    for (const slice of this.#tiers.keys()) if (slice < behind) this.#tiers.delete(slice);
  }

  async #drop(slice: number): Promise<void> {
    const open = this.#open.get(slice);
    this.#open.delete(slice);
    // A generator that fails while it is being let go has nothing more to tell us.
    await open?.iterator.return?.().catch(() => {});
  }

  get #sliceMs(): number {
    const { frames, fps } = this.#options.generator.info.slice;
    return (frames * 1000) / fps;
  }

  /** Until the plan may have changed. */
  #idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#abort.signal.aborted) return resolve();
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** Nothing but the end of the run cuts a back-off short. */
const backOff = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});
