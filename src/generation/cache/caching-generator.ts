/**
 * Wraps any generator with its caches, so that sessions do not know of them. A slice made before is replayed at its
 * best grade; lower grades are left out. What is missing is computed, from cached finished latents where there are any,
 * and cached. If another session computes the same tier, this one waits for its result. A prompt that is only near an
 * earlier one starts from that one's latents (the rule is in `latents.ts`).
 */
import type {
  GenerateOptions,
  Generator,
  GeneratorInfo,
  PromptReading,
  Rendition,
  SliceJob,
  StartingLatents,
} from '../generator.ts';
import { gradeOf, gradeRank, GRADES, tierOfGrade, variantOfGrade, type Grade } from '../grades.ts';
import { tierRank, type Tier } from '../../picture/tiers.ts';
import type { CacheSource } from '../../metrics/cache-source.ts';
import { Singleflight } from './singleflight.ts';
import type { LatentCache } from './latents.ts';
import { sliceKey, type Segment } from './segment.ts';
import type { SegmentCache } from './segments.ts';
import { LatentCarrier, WholeSlices } from './slice-assembly.ts';

export interface CachingGeneratorOptions {
  /** Closed with this one. */
  generator: Generator;
  /** Identifies generator and weights. It must change whenever the pictures would. */
  identity: string;
  segments: SegmentCache;
  latents: LatentCache;
  /** Noise level, in (0, 1), that a near hit's latents are raised to. Lower: faster, closer to the earlier picture. */
  nearStrength: number;
  /** Denoise steps from that noise level. */
  nearSteps: number;
}

/** A job with what the cache holds of its slice. */
interface Wanted {
  job: SliceJob;
  /** Cache key of the slice. */
  slice: string;
  /** Grades asked for, lowest first. */
  asked: readonly Grade[];
  /** The best of `asked` in the cache. */
  held: Segment | undefined;
  /** The slice's finished latents, if known without a segment. */
  finished: Float32Array | undefined;
}

export class CachingGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly embed?: (prompt: string) => Promise<Float32Array>;
  readonly #options: CachingGeneratorOptions;
  readonly #flights = new Singleflight();

  constructor(options: CachingGeneratorOptions) {
    const { generator } = options;
    this.#options = options;
    this.info = generator.info;
    if (generator.embed) this.embed = (prompt) => generator.embed?.(prompt) ?? Promise.resolve(new Float32Array());
  }

  get tierCap(): Tier | undefined {
    return this.#options.generator.tierCap;
  }

  /** What metrics show of each cache. */
  get sources(): CacheSource[] {
    const { segments, latents } = this.#options;
    const { memory, disk } = segments;
    return [
      {
        cache: 'segments-memory',
        read: () => ({ ...memory.counts, bytes: memory.bytes }),
        clear: () => memory.clear(),
      },
      ...(disk ? [{ cache: 'segments-disk' as const, read: () => ({ ...disk.counts, bytes: disk.bytes }) }] : []),
      {
        cache: 'latents',
        read: () => ({ ...latents.counts, bytes: latents.memory.bytes }),
        clear: () => latents.memory.clear(),
      },
    ];
  }

  read(prompt: string): Promise<PromptReading> {
    return this.#options.generator.read(prompt);
  }

  warmUp(): Promise<void> {
    return this.#options.generator.warmUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.generator[Symbol.asyncDispose]();
    await this.#options.segments.close();
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void> {
    // What a camera shows is neither seen again nor kept.
    if (job.live) {
      yield* this.#options.generator.generate(job, options);
      return;
    }
    const { nearSteps: maxSteps } = this.#options;
    const wanted = await this.#wanted(job, options);
    if (wanted.held) yield this.#replayed(job, wanted.held);
    const [first] = above(wanted.asked, wanted.held);
    if (first === undefined) return;
    const near = wanted.held ? undefined : await this.#nearStart(job, options);
    if (near && near.strength > 0) yield* this.#bend({ ...job, start: near, maxSteps }, options);
    else yield* this.#rest({ ...wanted, finished: near?.latents }, options);
  }

  /**
   * Runs a job that starts from a near hit. It has few steps left, so its first picture comes from the finished
   * latents. The result has a key of its own: the slice's key is for the picture made from noise.
   */
  async *#bend(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition> {
    const wanted = await this.#wanted(job, options);
    if (wanted.held) yield this.#replayed(job, wanted.held);
    const rest = this.#rest({ ...wanted, asked: withoutDraft(wanted.asked) }, options);
    for await (const rendition of rest) yield rendition.cached ? rendition : { ...rendition, cached: 'latent' };
  }

  /** Yields the missing tiers of a slice. If another session is making one, waits for it and replays it. */
  async *#rest({ job, slice, asked, held, finished }: Wanted, options: GenerateOptions): AsyncGenerator<Rendition> {
    const carrier = new LatentCarrier(held);
    for (let best = held; ;) {
      const latents = (best && finishedOf(best)) ?? finished;
      const missing = latents ? withoutDraft(above(asked, best)) : above(asked, best);
      const [first] = missing;
      if (first === undefined) return;
      const start = latents ? { start: { latents, strength: 0 } } : {};
      const computed = this.#compute(
        { ...job, startAtTier: tierOfGrade(first), ...start },
        { slice, missing, held: best },
        options,
      );
      // Another session made it first: continue from its segment.
      let faster: Segment | undefined;
      for await (const { rendition, segment } of computed) {
        faster = segment;
        yield carrier.pass(rendition);
      }
      if (!faster) return;
      best = faster;
    }
  }

  /** Pulls renditions from the generator and caches them. Ends with a segment that another session made meanwhile. */
  async *#compute(
    job: SliceJob,
    { slice, missing, held }: { slice: string; missing: readonly Grade[]; held: Segment | undefined },
    options: GenerateOptions,
  ): AsyncGenerator<{ rendition: Rendition; segment?: Segment }> {
    const { generator, segments } = this.#options;
    const whole = new WholeSlices(this.info.slice.frames, held?.latents);
    const renditions = generator.generate(job, wantsFast(missing) ? options : inFull(options))[Symbol.asyncIterator]();
    let left = missing;
    let flight: Disposable | undefined;
    try {
      while (left.length > 0) {
        if (whole.between) flight = await this.#flights.take(slice, options.signal);
        const segment = whole.between ? segments.peekBest(slice, left) : undefined;
        if (segment) {
          yield { rendition: this.#replayed(job, segment), segment };
          return;
        }
        const { value: rendition, done } = await renditions.next();
        if (done) return;
        const made = whole.add(rendition);
        if (made) this.#keep(job, slice, made);
        if (whole.between) {
          flight?.[Symbol.dispose]();
          left = left.filter((grade) => gradeRank(grade) > gradeRank(gradeOf(rendition)));
        }
        yield { rendition };
      }
    } finally {
      flight?.[Symbol.dispose]();
      await renditions.return?.();
    }
  }

  async #wanted(job: SliceJob, options: GenerateOptions): Promise<Wanted> {
    const slice = sliceKey(this.#options.identity, job);
    const asked = this.#grades(job, options);
    return { job, slice, asked, held: await this.#options.segments.best(slice, asked), finished: undefined };
  }

  #keep(job: SliceJob, slice: string, segment: Segment): void {
    this.#options.segments.put(slice, segment);
    if (segment.tier === 'draft' || !segment.latents || !mayTeach(job)) return;
    void this.#remember(job, segment.latents);
  }

  async #remember(job: SliceJob, finished: Float32Array): Promise<void> {
    const { latents } = this.#options;
    const embedding = await this.#embedding(job.prompt);
    if (embedding) latents.put(this.#group(job), job.prompt, { embedding, latents: finished });
  }

  async #nearStart(job: SliceJob, { signal }: GenerateOptions): Promise<StartingLatents | undefined> {
    const { latents, nearStrength } = this.#options;
    if (!mayTeach(job) || !latents.enabled) return undefined;
    const own = latents.of(this.#group(job), job.prompt);
    if (own) return { latents: own, strength: 0 };
    const embedding = await this.#embedding(job.prompt);
    if (!embedding || signal.aborted) return undefined;
    const near = latents.nearest(this.#group(job), embedding);
    return near && { latents: near.latents, strength: nearStrength };
  }

  /** Undefined if the generator has no embedding or fails to embed: then there are no near hits. */
  async #embedding(prompt: string): Promise<Float32Array | undefined> {
    const { generator, latents } = this.#options;
    return latents.enabled ? generator.embed?.(prompt).catch(() => undefined) : undefined;
  }

  #group({ seed, guidance, slice, startMs }: SliceJob): string {
    return [this.#options.identity, seed, guidance ?? '', slice, startMs].join('/');
  }

  #replayed({ revision, slice }: SliceJob, { tier, variant, frames, latents, audio }: Segment): Rendition {
    const made = { tier, ...(variant ? { variant } : {}), frames: [...frames], ...(audio && { audio }) };
    const rendition: Rendition = { revision, slice, ...made, computeMs: 0, cached: 'segment' };
    return latents ? { ...rendition, latents } : rendition;
  }

  /** The asked grades that the generator makes; fast ones only if the caller chooses between variants. */
  #grades({ startAtTier = 'draft', stopAtTier }: SliceJob, { variant }: GenerateOptions): Grade[] {
    const isAsked = (tier: Tier): boolean =>
      tierRank(tier) >= tierRank(startAtTier) && tierRank(tier) <= tierRank(stopAtTier);
    return GRADES.filter((grade) => {
      const info = this.info.tiers.find(({ tier }) => tier === tierOfGrade(grade));
      const isMade = variantOfGrade(grade) === 'fast' ? info?.fast && variant : info;
      return isMade !== undefined && isAsked(tierOfGrade(grade));
    });
  }
}

/** Only a slice made from prompt and noise alone may write to the latent cache or read from it. */
const mayTeach = ({ previous, mix, start, maxSteps, reference, input, options }: SliceJob): boolean =>
  [previous, mix, start, maxSteps, reference, input, options].every((part) => part === undefined);

/** With little or nothing left to denoise, a draft is ready no sooner than the base. */
const withoutDraft = (grades: readonly Grade[]): readonly Grade[] => {
  const better = grades.filter((grade) => grade !== 'draft');
  return better.length > 0 ? better : grades;
};

const above = (grades: readonly Grade[], held: Segment | undefined): Grade[] =>
  grades.filter((grade) => !held || gradeRank(grade) > gradeRank(gradeOf(held)));

const wantsFast = (grades: readonly Grade[]): boolean => grades.some((grade) => variantOfGrade(grade) === 'fast');

/** The caller already has the fast variant. */
const inFull = (options: GenerateOptions): GenerateOptions => ({ ...options, variant: () => 'full' });

/** Latents that need only decoding and refining; a draft's are not finished. */
const finishedOf = ({ tier, latents }: Segment): Float32Array | undefined => (tier === 'draft' ? undefined : latents);
