/** What a slice's renditions become on their way through the cache: whole segments to keep, and latents that go out once. */
import type { Rendition } from '../generator.ts';
import type { Segment } from './segment.ts';

/** Puts runs of frames together again, and knows which latents belong to a tier that brings none of its own. */
export class WholeSlices {
  readonly #frames: number;
  #finished: Float32Array | undefined;
  #gathered: Rendition['frames'] = [];

  constructor(frames: number, finished: Float32Array | undefined) {
    this.#frames = frames;
    this.#finished = finished;
  }

  /** True between two tiers. */
  get between(): boolean {
    return this.#gathered.length === 0;
  }

  add({ tier, variant, frames, firstFrame = 0, latents, reduced }: Rendition): Segment | undefined {
    if (tier !== 'draft' && latents) this.#finished = latents;
    this.#gathered = firstFrame === 0 ? [...frames] : [...this.#gathered, ...frames];
    if (this.#gathered.length < this.#frames) return undefined;
    const segment = {
      tier,
      ...(variant ? { variant } : {}),
      frames: this.#gathered,
      latents: tier === 'draft' ? latents : this.#finished,
    };
    this.#gathered = [];
    return reduced ? undefined : segment;
  }
}

/** Finished latents go out once: given again they would look like better ones, and what continues from them start anew. */
export class LatentCarrier {
  #given: boolean;

  constructor(held: Segment | undefined) {
    this.#given = held !== undefined && held.tier !== 'draft' && held.latents !== undefined;
  }

  pass(rendition: Rendition): Rendition {
    if (rendition.tier === 'draft' || !rendition.latents) return rendition;
    const { latents, ...rest } = rendition;
    if (this.#given) return rest;
    this.#given = true;
    return { ...rest, latents };
  }
}
