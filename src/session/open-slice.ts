/**
 * One slice on its way through its tiers: a suspended iterator of the generator, and the claim with which its next steps
 * ask for their turn. Between two steps it may wait as long as others are more urgent; what it has computed is kept.
 */
import { GlimpseError } from '../errors.ts';
import {
  isLastRun,
  type GenerateOptions,
  type Generator,
  type Rendition,
  type SliceJob,
} from '../generation/generator.ts';
import type { Claim, Scheduler } from '../generation/engine/scheduler.ts';
import type { Variant } from '../generation/grades.ts';
import { tierRank, type Tier } from '../picture/tiers.ts';
import { kept } from '../lifetime/kept-promise.ts';

export interface OpenSliceOptions {
  generator: Generator;
  scheduler: Scheduler;
  job: SliceJob;
  claim: Claim;
  /** Tier of the latents it continues from: a better predecessor makes the rest of it worth restarting. */
  previousTier: Tier | undefined;
  signal: AbortSignal;
  /** The generator failed and tries again by itself. */
  onRetry: (error: GlimpseError) => void;
  /** How far it has come, where the generator says so. */
  onProgress?: GenerateOptions['onProgress'] | undefined;
}

export class OpenSlice {
  readonly previousTier: Tier | undefined;
  /** Its owner keeps this up to date; the scheduler reads it at every decision. */
  readonly claim: Claim;
  /** The tier that is wanted of it, how it is made where there is a choice, and since when; its owner's, as the claim. */
  wanted: { tier: Tier; variant: Variant; sinceUs: number } = { tier: 'draft', variant: 'full', sinceUs: 0 };
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<Rendition>;
  readonly #frames: number;
  #pull: Promise<Rendition> | undefined;

  constructor({ generator, scheduler, job, claim, previousTier, signal, onRetry, onProgress }: OpenSliceOptions) {
    this.#frames = generator.info.slice.frames;
    this.previousTier = previousTier;
    this.claim = claim;
    const either = AbortSignal.any([signal, this.#abort.signal]);
    const renditions = generator.generate(job, {
      signal: either,
      onRetry,
      ...(onProgress ? { onProgress } : {}),
      variant: () => this.wanted.variant,
      turn: (unit) => scheduler.turn(unit, this.claim, either),
    });
    this.#iterator = renditions[Symbol.asyncIterator]();
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /**
   * Computes up to `tier`. One pull at a time.
   * @param onRun frames of that tier that are there before all of them are; the last of them come as the result
   * @throws GlimpseError as the generator's, GENERATOR_DOWN when it ends too early.
   */
  pull(tier: Tier, onRun: (run: Rendition) => void): Promise<Rendition> {
    this.#pull ??= kept(
      this.#next(tier, onRun).finally(() => {
        this.#pull = undefined;
      }),
    );
    return this.#pull;
  }

  async #next(tier: Tier, onRun: (run: Rendition) => void): Promise<Rendition> {
    for (;;) {
      const { value, done } = await this.#iterator.next();
      if (done) throw new GlimpseError('GENERATOR_DOWN', { message: `the generator ended before tier ${tier}` });
      if (tierRank(value.tier) < tierRank(tier)) continue;
      if (isLastRun(value, this.#frames)) return value;
      onRun(value);
    }
  }

  /** Gives up its turn and whatever is half done. Never throws. */
  async close(): Promise<void> {
    this.#abort.abort();
    // A generator that fails while it is being let go has nothing more to tell us.
    await this.#iterator.return?.().catch(() => {});
  }
}
