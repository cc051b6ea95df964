/**
 * A generator that counts what it computes and can be told to fail: arithmetic instead of a model, but with a model's
 * habits. The same job gives the same bytes, latents continue and can be started from, each tier costs its steps.
 */
import { createHash } from 'node:crypto';
import { GlimpseError } from '../../src/errors.ts';
import type {
  GenerateOptions,
  Generator,
  GeneratorInfo,
  PromptReading,
  Rendition,
  SliceJob,
} from '../../src/generation/generator.ts';
import { gradeOf, tierOfGrade, type Grade } from '../../src/generation/grades.ts';
import { tierRank, type Tier } from '../../src/picture/tiers.ts';
import type { I420Frame } from '../../src/picture/frame.ts';

export const STEPS = 4;
const LATENTS = 32;
const SIDE_PX = { draft: 16, base: 16, 'refined-fast': 24, refined: 32, upscaled: 64 } as const;

export interface CountingOptions {
  /** Whether `refined` has a fast variant. */
  hasFast?: boolean;
}

export class CountingGenerator implements Generator {
  readonly info: GeneratorInfo;
  /** Jobs begun, in order. */
  readonly jobs: SliceJob[] = [];
  /** Grades made, as `slice:grade`, in order. */
  readonly made: string[] = [];
  denoiseSteps = 0;
  closed = false;
  /** Asked before every step and decode; what it returns is thrown. */
  fault: (at: { slice: number; tier: Tier; job: SliceJob }) => Error | undefined = () => undefined;
  /** Awaited before every tier. */
  gate: () => Promise<void> = () => Promise.resolve();

  constructor({ hasFast = false }: CountingOptions = {}) {
    const square = (sidePx: number) => ({ widthPx: sidePx, heightPx: sidePx });
    this.info = {
      name: 'counting',
      conditioning: 'anything',
      slice: { frames: 4, fps: 12 },
      tiers: (['draft', 'base', 'refined'] as const).map((tier) => ({
        tier,
        ...square(SIDE_PX[tier]),
        ...(hasFast && tier === 'refined' ? { fast: square(SIDE_PX['refined-fast']) } : {}),
      })),
      examples: ['a red ball'],
      progressive: true,
    };
  }

  /** One direction a word: prompts are as near as the words they share. */
  async embed(prompt: string): Promise<Float32Array> {
    const embedding = new Float32Array(64);
    for (const word of prompt.split(' ')) embedding[(hash(word)[0] as number) % 64] = 1;
    return embedding;
  }

  async read(): Promise<PromptReading> {
    return { unknownWords: [], fields: {} };
  }

  async *generate(
    job: SliceJob,
    { signal, turn = (unit) => unit.run(), variant }: GenerateOptions,
  ): AsyncGenerator<Rendition> {
    this.jobs.push(job);
    const strength = job.start?.strength ?? 1;
    const stepsInAll = Math.ceil(strength * STEPS);
    let stepsDone = 0;
    let finishedGiven = false;
    const asked = this.info.tiers.filter(
      ({ tier }) =>
        tierRank(tier) >= tierRank(job.startAtTier ?? 'draft') && tierRank(tier) <= tierRank(job.stopAtTier),
    );
    const grades = function* (): Iterable<Grade> {
      for (const { tier, fast } of asked) {
        if (fast && variant?.(tier) === 'fast') yield gradeOf({ tier, variant: 'fast' });
        yield tier;
      }
    };
    for (const grade of grades()) {
      const tier = tierOfGrade(grade);
      await this.gate();
      if (signal.aborted) throw new GlimpseError('ABORTED');
      for (; stepsDone < (tier === 'draft' ? Math.min(1, stepsInAll) : stepsInAll); stepsDone++)
        await turn({ kind: 'denoise', run: async () => this.#step(job, tier) });
      let frames: I420Frame[] = [];
      await turn({
        kind: `decode-${grade}`,
        run: async () => {
          this.#mayFail(job, tier);
          frames = this.#frames(job, grade);
        },
      });
      this.made.push(`${job.slice}:${grade}`);
      const carries = tier === 'draft' || !finishedGiven;
      finishedGiven = tier !== 'draft';
      yield {
        revision: job.revision,
        slice: job.slice,
        tier,
        ...(grade === 'refined-fast' ? { variant: 'fast' } : {}),
        frames,
        computeMs: 1,
        ...(carries ? { latents: latentsOf(job, tier) } : {}),
      };
    }
  }

  async warmUp(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
  }

  #step(job: SliceJob, tier: Tier): void {
    this.#mayFail(job, tier);
    this.denoiseSteps += 1;
  }

  #mayFail(job: SliceJob, tier: Tier): void {
    const error = this.fault({ slice: job.slice, tier, job });
    if (error) throw error;
  }

  #frames(job: SliceJob, grade: Grade): I420Frame[] {
    const sidePx = SIDE_PX[grade];
    const picture = hash(grade, ...latentsOf(job, 'base'));
    return Array.from({ length: this.info.slice.frames }, (_, index) => ({
      widthPx: sidePx,
      heightPx: sidePx,
      data: new Uint8Array((sidePx * sidePx * 3) / 2).fill((picture[index] as number) & 0xff),
    }));
  }
}

/** From everything a picture depends on; from finished latents nothing but themselves. */
function latentsOf({ prompt, seed, slice, previous, start, mix }: SliceJob, tier: Tier): Float32Array {
  if (start?.strength === 0) return Float32Array.from(start.latents);
  const stage = tier === 'draft' ? 'draft' : 'finished';
  const digest = hash(stage, prompt, seed, slice, JSON.stringify(mix ?? ''), ...(previous ?? []), ...startOf(start));
  return Float32Array.from({ length: LATENTS }, (_, index) => (digest[index] as number) / 255);
}

const startOf = (start: SliceJob['start']): number[] => (start ? [start.strength, ...start.latents] : []);

const hash = (...parts: (string | number)[]): Buffer => createHash('sha256').update(parts.join('/')).digest();
