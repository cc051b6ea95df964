/** What a job has yielded so far, for generators that continue it after a failure. */
import { tierRank, type Tier } from '../../picture/tiers.ts';
import type { GeneratorInfo, Rendition, SliceJob } from '../generator.ts';

/** What has been yielded of a job: each tier once, and each frame of the current tier once. */
export class YieldedTiers {
  readonly #frames: number;
  #missing: Tier[];
  #framesOfTier = 0;
  #finishedLatents = false;
  /** The last tier begun is the draft. */
  #drafted = false;

  constructor({ startAtTier = 'draft', stopAtTier }: SliceJob, { tiers, slice }: GeneratorInfo) {
    this.#frames = slice.frames;
    this.#missing = tiers
      .map(({ tier }) => tier)
      .filter((tier) => tierRank(tier) >= tierRank(startAtTier) && tierRank(tier) <= tierRank(stopAtTier));
  }

  /** The tier to make next; undefined when all are there. */
  get next(): Tier | undefined {
    return this.#missing[0];
  }

  /** The new part of a rendition. */
  take(rendition: Rendition): Rendition | undefined {
    const { tier, frames, firstFrame = 0 } = rendition;
    // Drafts get clearer until the next tier begins.
    if (tier === 'draft' && this.#drafted && this.#framesOfTier === 0) return rendition;
    if (!this.#missing.includes(tier)) return undefined;
    this.#drafted = tier === 'draft';
    const skip = this.next === tier ? Math.max(0, this.#framesOfTier - firstFrame) : 0;
    const end = firstFrame + frames.length;
    this.#missing = this.#missing.filter((other) => tierRank(other) >= tierRank(tier));
    this.#framesOfTier = end;
    if (end >= this.#frames) {
      // After the fast variant the full one is still to be made, if it is pulled.
      if (rendition.variant !== 'fast') this.#missing.shift();
      this.#framesOfTier = 0;
    }
    if (skip >= frames.length) return undefined;
    const whole = skip === 0 ? rendition : { ...rendition, frames: frames.slice(skip), firstFrame: firstFrame + skip };
    return this.#withoutGivenLatents(whole);
  }

  /** A tier made after a failure yields its latents again; passed on twice they would look like better ones. */
  #withoutGivenLatents(rendition: Rendition): Rendition {
    const { latents, ...rest } = rendition;
    if (rendition.tier === 'draft' || latents === undefined) return rendition;
    if (this.#finishedLatents) return rest;
    this.#finishedLatents = true;
    return rendition;
  }
}
