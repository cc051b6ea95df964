/**
 * Remembers the refiner's noise by seed. It is the same for every slice of a session, so it is drawn once. Each entry
 * depends on its seed alone.
 */
import { grainNoise, particleNoise } from '../../slices/noise.ts';
import type { Manifest } from '../pack/model-pack.ts';

/** Seeds remembered, 66 kB each: as many as sessions refine at once. */
const REMEMBERED_SEEDS = 16;

interface Noise {
  particles: Float32Array;
  grain: Float32Array;
}

export class RefinerNoise {
  readonly #sizes: Manifest['noise'];
  /** In order of last use, oldest first. */
  readonly #remembered = new Map<number, Noise>();

  constructor(sizes: Manifest['noise']) {
    this.#sizes = sizes;
  }

  /** Callers must not change it. */
  of(seed: number): Noise {
    const noise = this.#remembered.get(seed) ?? this.#draw(seed);
    this.#remembered.delete(seed);
    this.#remembered.set(seed, noise);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > REMEMBERED_SEEDS && oldest.done !== true) this.#remembered.delete(oldest.value);
    return noise;
  }

  #draw(seed: number): Noise {
    const { particles, grainPx } = this.#sizes;
    return { particles: particleNoise(seed, particles * 3), grain: grainNoise(seed, grainPx ** 2) };
  }
}
