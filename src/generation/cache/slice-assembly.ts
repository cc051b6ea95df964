/** Assembles a slice's renditions into segments to cache, and passes finished latents on once. */
import type { Rendition } from '../generator.ts';
import type { Segment } from './segment.ts';

/** Assembles runs of frames. Remembers the finished latents for tiers that bring none of their own. */
export class WholeSlices {
  readonly #frames: number;
  #finished: Float32Array | undefined;
  #gathered: Rendition['frames'] = [];
  /** Of the tier being gathered; a tier without sound of its own has that of the one below. */
  #audio: Rendition['audio'];

  constructor(frames: number, finished: Float32Array | undefined) {
    this.#frames = frames;
    this.#finished = finished;
  }

  /** True between two tiers. */
  get between(): boolean {
    return this.#gathered.length === 0;
  }

  add({ tier, variant, frames, firstFrame = 0, latents, reduced, audio }: Rendition): Segment | undefined {
    if (tier !== 'draft' && latents) this.#finished = latents;
    if (audio) this.#audio = audio;
    this.#gathered = firstFrame === 0 ? [...frames] : [...this.#gathered, ...frames];
    if (this.#gathered.length < this.#frames) return undefined;
    const segment = {
      tier,
      ...(variant ? { variant } : {}),
      frames: this.#gathered,
      latents: tier === 'draft' ? latents : this.#finished,
      ...(this.#audio && { audio: this.#audio }),
    };
    this.#gathered = [];
    return reduced ? undefined : segment;
  }
}

/** Passes finished latents on once: again they would look like better ones, and the next slices would start over. */
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
