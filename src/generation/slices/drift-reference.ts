/**
 * What AdaIN holds the slices of a revision to, against drift: the first whole slice of the current prompt. During the
 * travel between two prompts there is no reference, because the scene must be free to change.
 */
import type { SliceJob } from '../generator.ts';
import type { Tier } from '../../picture/tiers.ts';

/** What a slice is made from. */
type SlicePrompt = Pick<SliceJob, 'prompt' | 'mix'>;

export class DriftReference {
  readonly #enabled: boolean;
  #held: { prompt: string; latents: Float32Array } | undefined;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** A slice was made; a draft's latents are not finished. */
  onSlice({ prompt, mix }: SlicePrompt, tier: Tier, latents: Float32Array): void {
    if (tier !== 'draft' && !mix && prompt !== this.#held?.prompt) this.#held = { prompt, latents };
  }

  /** For the job of a slice. */
  of({ prompt, mix }: SlicePrompt): Pick<SliceJob, 'reference'> {
    const held = this.#held;
    return this.#enabled && !mix && held?.prompt === prompt ? { reference: held.latents } : {};
  }
}
