/**
 * Any generator with its caches in front, so that sessions know nothing of them. A slice made before is replayed, best
 * grade first and lower ones left out, one that was made fast only until it is wanted in full; what is missing is computed from the finished latents that are there, and kept.
 * What another session makes at this moment is waited for. A slice whose prompt is only near one made before starts from
 * that one's latents (`latents.ts` has the rule).
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
  /** Names generator and weights; whatever changes the pictures must change it. */
  identity: string;
  segments: SegmentCache;
  latents: LatentCache;
  /** Noise level that a near hit's latents are raised to, in (0, 1): less is sooner and closer to the earlier picture. */
  nearStrength: number;
  /** Denoise steps from there on. */
  nearSteps: number;
}

/** A job with what is known of its slice. */
interface Wanted {
  job: SliceJob;
  /** Its key. */
  slice: string;
  /** Grades asked for, lowest first. */
  asked: readonly Grade[];
  /** The best of them that is there. */
  held: Segment | undefined;
  /** Its finished latents, where they are known without a segment. */
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
   * A near hit has few steps left, so that its first picture is the finished latents'. It is kept under a key of its own:
   * the slice's own key stays for the picture that comes from noise.
   */
  async *#bend(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition> {
    const wanted = await this.#wanted(job, options);
    if (wanted.held) yield this.#replayed(job, wanted.held);
    const rest = this.#rest({ ...wanted, asked: withoutDraft(wanted.asked) }, options);
    for await (const rendition of rest) yield rendition.cached ? rendition : { ...rendition, cached: 'latent' };
  }

  /** What is missing of a slice; where another session makes a tier of it, that one is waited for and replayed. */
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
      // Another session was faster: its segment, from which the rest goes on.
      let faster: Segment | undefined;
      for await (const { rendition, segment } of computed) {
        faster = segment;
        yield carrier.pass(rendition);
      }
      if (!faster) return;
      best = faster;
    }
  }

  /** Pulls from the generator and keeps what comes; ends with what another session has made meanwhile. */
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

  /** Undefined where a generator has none, or fails to: then nothing is near anything. */
  async #embedding(prompt: string): Promise<Float32Array | undefined> {
    const { generator, latents } = this.#options;
    return latents.enabled ? generator.embed?.(prompt).catch(() => undefined) : undefined;
  }

  #group({ seed, guidance, slice, startMs }: SliceJob): string {
    return [this.#options.identity, seed, guidance ?? '', slice, startMs].join('/');
  }

  #replayed({ revision, slice }: SliceJob, { tier, variant, frames, latents }: Segment): Rendition {
    const made = { tier, ...(variant ? { variant } : {}), frames: [...frames] };
    const rendition: Rendition = { revision, slice, ...made, computeMs: 0, cached: 'segment' };
    return latents ? { ...rendition, latents } : rendition;
  }

  /** Those that the generator makes, the fast ones for who chooses between variants. */
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

/** Only a slice that is nothing but its prompt and its noise may teach the latent cache, or learn from it. */
const mayTeach = ({ previous, mix, start, maxSteps, reference, input, options }: SliceJob): boolean =>
  [previous, mix, start, maxSteps, reference, input, options].every((part) => part === undefined);

/** Where little or nothing is left to denoise a draft would be no sooner than the base. */
const withoutDraft = (grades: readonly Grade[]): readonly Grade[] => {
  const better = grades.filter((grade) => grade !== 'draft');
  return better.length > 0 ? better : grades;
};

const above = (grades: readonly Grade[], held: Segment | undefined): Grade[] =>
  grades.filter((grade) => !held || gradeRank(grade) > gradeRank(gradeOf(held)));

const wantsFast = (grades: readonly Grade[]): boolean => grades.some((grade) => variantOfGrade(grade) === 'fast');

/** For who has the fast one already. */
const inFull = (options: GenerateOptions): GenerateOptions => ({ ...options, variant: () => 'full' });

/** Latents of which nothing is left but decoding and refining; a draft's are not. */
const finishedOf = ({ tier, latents }: Segment): Float32Array | undefined => (tier === 'draft' ? undefined : latents);
