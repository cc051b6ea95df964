/**
 * One slice on its way through its tiers: a suspended iterator of the generator, and the claim with which each step
 * asks the scheduler for a turn. Between two steps it may wait for more urgent work, and keeps what it has computed.
 */
import { GlimpseError } from '../../errors.ts';
import { isLastRun, type GenerateOptions, type Rendition, type SliceJob } from '../../generation/generator.ts';
import type { Claim } from '../../generation/engine/scheduler.ts';
import type { Variant } from '../../generation/grades.ts';
import { tierRank, type Tier } from '../../picture/tiers.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { Making } from './making.ts';

export interface OpenSliceOptions {
  making: Making;
  job: SliceJob;
  claim: Claim;
  /** Tier of the latents it continues from: a better predecessor is a reason to restart the slice. */
  previousTier: Tier | undefined;
  signal: AbortSignal;
  /** The generator failed and retries by itself. */
  onRetry: (error: GlimpseError) => void;
  /** Progress of the slice, where the generator reports it. */
  onProgress?: GenerateOptions['onProgress'] | undefined;
}

export class OpenSlice {
  readonly previousTier: Tier | undefined;
  /** The owner keeps this up to date; the scheduler reads it at every decision. */
  readonly claim: Claim;
  /** The tier and variant wanted now, and since when; set by the owner. */
  wanted: { tier: Tier; variant: Variant; sinceUs: number } = { tier: 'draft', variant: 'full', sinceUs: 0 };
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<Rendition>;
  readonly #frames: number;
  #pull: Promise<Rendition> | undefined;

  constructor({ making, job, claim, previousTier, signal, onRetry, onProgress }: OpenSliceOptions) {
    const { generator, scheduler } = making;
    this.#frames = generator.info.slice.frames;
    this.previousTier = previousTier;
    this.claim = claim;
    const either = AbortSignal.any([signal, this.#abort.signal]);
    const renditions = generator.generate(job, {
      signal: either,
      urgency: claim,
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
   * @param onRun gets runs of that tier's frames before the last run, which is the result, and drafts before them
   * @throws GlimpseError as the generator's; GENERATOR_DOWN when it ends too early
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
      if (tierRank(value.tier) < tierRank(tier)) {
        // Drafts get clearer while the tier after them is made.
        if (value.tier === 'draft') onRun(value);
        continue;
      }
      if (isLastRun(value, this.#frames)) return value;
      onRun(value);
    }
  }

  /** Gives up the turn and all unfinished work. Never throws. */
  async close(): Promise<void> {
    this.#abort.abort();
    // A failure while closing has no effect on the session.
    await this.#iterator.return?.().catch(() => {});
  }
}
