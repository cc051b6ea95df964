/**
 * Any generator with its caches in front, so that sessions know nothing of them. A slice made before is replayed, best
 * tier first and lower ones left out; what is missing is computed from the finished latents that are there, and kept. A
 * slice whose prompt is only near one made before starts from that one's latents (`latents.ts` has the rule).
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
import { tierRank, type Tier } from '../tiers.ts';
import type { CacheSource } from './cache-source.ts';
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

export class CachingGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly embed?: (prompt: string) => Promise<Float32Array>;
  readonly #options: CachingGeneratorOptions;

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
      { cache: 'segments-memory', read: () => ({ ...memory.counts, bytes: memory.bytes }) },
      ...(disk ? [{ cache: 'segments-disk' as const, read: () => ({ ...disk.counts, bytes: disk.bytes }) }] : []),
      { cache: 'latents', read: () => ({ ...latents.counts, bytes: latents.memory.bytes }) },
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
    const slice = sliceKey(this.#options.identity, job);
    const asked = this.#tiers(job.startAtTier, job.stopAtTier);
    const held = await this.#options.segments.best(slice, asked);
    if (held) yield this.#replayed(job, held);
    const missing = asked.filter((tier) => !held || tierRank(tier) > tierRank(held.tier));
    const [first] = missing;
    if (first === undefined) return;
    const rest = { ...job, startAtTier: first };
    const start = held ? finished(held) : await this.#nearStart(rest, options);
    if (start && start.strength > 0)
      yield* this.#bend({ ...rest, start, maxSteps: this.#options.nearSteps }, missing, options);
    else yield* this.#compute(start ? { ...rest, start, startAtTier: pastDraft(missing) } : rest, slice, held, options);
  }

  /**
   * A near hit has few steps left, so that its first picture is the finished latents'. It is kept under a key of its own:
   * the slice's own key stays for the picture that comes from noise.
   */
  async *#bend(job: SliceJob, asked: readonly Tier[], options: GenerateOptions): AsyncGenerator<Rendition> {
    const slice = sliceKey(this.#options.identity, job);
    const held = await this.#options.segments.best(slice, asked);
    if (held) yield this.#replayed(job, held);
    const missing = asked.filter((tier) => !held || tierRank(tier) > tierRank(held.tier));
    if (missing.length === 0) return;
    const start = (held && finished(held)) ?? job.start;
    const rest = { ...job, startAtTier: pastDraft(missing), ...(start ? { start } : {}) };
    const computed = this.#compute(rest, slice, held, options);
    for await (const rendition of computed) yield rendition.cached ? rendition : { ...rendition, cached: 'latent' };
  }

  /** Pulls from the generator and keeps what comes; ends early when another session has finished the slice meanwhile. */
  async *#compute(
    job: SliceJob,
    slice: string,
    held: Segment | undefined,
    options: GenerateOptions,
  ): AsyncGenerator<Rendition> {
    const { generator, segments } = this.#options;
    const whole = new WholeSlices(this.info.slice.frames, held?.latents);
    const carrier = new LatentCarrier(held);
    for await (const rendition of generator.generate(job, options)) {
      const segment = whole.add(rendition);
      if (segment) this.#keep(job, slice, segment);
      yield carrier.pass(rendition);
      const finished = whole.between && rendition.tier !== job.stopAtTier;
      const found = finished ? segments.peekBest(slice, this.#tiers(job.stopAtTier, job.stopAtTier)) : undefined;
      if (!found) continue;
      yield carrier.pass(this.#replayed(job, found));
      return;
    }
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

  #replayed({ revision, slice }: SliceJob, { tier, frames, latents }: Segment): Rendition {
    const rendition: Rendition = { revision, slice, tier, frames: [...frames], computeMs: 0, cached: 'segment' };
    return latents ? { ...rendition, latents } : rendition;
  }

  #tiers(from: Tier | undefined, to: Tier): Tier[] {
    const made = this.info.tiers.map(({ tier }) => tier);
    return made.filter((tier) => tierRank(tier) >= tierRank(from ?? 'draft') && tierRank(tier) <= tierRank(to));
  }
}

/** Only a slice that is nothing but its prompt and its noise may teach the latent cache, or learn from it. */
const mayTeach = ({ previous, mix, start, maxSteps, reference, input, options }: SliceJob): boolean =>
  [previous, mix, start, maxSteps, reference, input, options].every((part) => part === undefined);

/** The first tier to make where little or nothing is left to denoise: a draft would be no sooner than the base. */
const pastDraft = (missing: readonly Tier[]): Tier => missing.find((tier) => tier !== 'draft') ?? 'draft';

/** Latents of which nothing is left but decoding and refining; a draft's are not. */
const finished = ({ tier, latents }: Segment): StartingLatents | undefined =>
  tier === 'draft' || latents === undefined ? undefined : { latents, strength: 0 };
