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
import { tierRank, type Tier } from '../../src/generation/tiers.ts';
import type { I420Frame } from '../../src/media/frame.ts';

export const STEPS = 4;
const LATENTS = 32;
const SIDE_PX = { draft: 16, base: 16, refined: 32, upscaled: 64 } as const;

export class CountingGenerator implements Generator {
  readonly info: GeneratorInfo = {
    name: 'counting',
    conditioning: 'anything',
    slice: { frames: 4, fps: 12 },
    tiers: (['draft', 'base', 'refined'] as const).map((tier) => ({
      tier,
      widthPx: SIDE_PX[tier],
      heightPx: SIDE_PX[tier],
    })),
    examples: ['a red ball'],
    progressive: true,
  };
  /** Jobs begun, in order. */
  readonly jobs: SliceJob[] = [];
  /** Tiers made, as `slice:tier`, in order. */
  readonly made: string[] = [];
  denoiseSteps = 0;
  closed = false;
  /** Asked before every step and decode; what it returns is thrown. */
  fault: (at: { slice: number; tier: Tier; job: SliceJob }) => Error | undefined = () => undefined;
  /** Awaited before every tier. */
  gate: () => Promise<void> = () => Promise.resolve();

  /** One direction a word: prompts are as near as the words they share. */
  async embed(prompt: string): Promise<Float32Array> {
    const embedding = new Float32Array(64);
    for (const word of prompt.split(' ')) embedding[(hash(word)[0] as number) % 64] = 1;
    return embedding;
  }

  async read(): Promise<PromptReading> {
    return { unknownWords: [], fields: {} };
  }

  async *generate(job: SliceJob, { signal, turn = (unit) => unit.run() }: GenerateOptions): AsyncGenerator<Rendition> {
    this.jobs.push(job);
    const strength = job.start?.strength ?? 1;
    const stepsInAll = Math.ceil(strength * STEPS);
    let stepsDone = 0;
    let finishedGiven = false;
    const asked = this.info.tiers.filter(
      ({ tier }) =>
        tierRank(tier) >= tierRank(job.startAtTier ?? 'draft') && tierRank(tier) <= tierRank(job.stopAtTier),
    );
    for (const { tier } of asked) {
      await this.gate();
      if (signal.aborted) throw new GlimpseError('ABORTED');
      for (; stepsDone < (tier === 'draft' ? Math.min(1, stepsInAll) : stepsInAll); stepsDone++)
        await turn({ kind: 'denoise', run: async () => this.#step(job, tier) });
      let frames: I420Frame[] = [];
      await turn({
        kind: `decode-${tier}`,
        run: async () => {
          this.#mayFail(job, tier);
          frames = this.#frames(job, tier);
        },
      });
      this.made.push(`${job.slice}:${tier}`);
      const carries = tier === 'draft' || !finishedGiven;
      finishedGiven = tier !== 'draft';
      yield {
        revision: job.revision,
        slice: job.slice,
        tier,
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

  #frames(job: SliceJob, tier: Tier): I420Frame[] {
    const sidePx = SIDE_PX[tier];
    const picture = hash(tier, ...latentsOf(job, 'base'));
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
