/**
 * Finished latents, found by the meaning of their prompt. A prompt near an earlier one starts from that one's latents,
 * partly noised again, and takes fewer steps. A hit needs the same model, seed, guidance and slice, a slice that
 * continues nothing, and a distance at which the remaining steps follow the new prompt (`glimpse bench generation`).
 * Only latents that came from noise are stored, so that pictures do not drift from hit to hit. Pure.
 */
import { ByteCache } from '../../byte-cache.ts';

export interface LatentCacheOptions {
  maxBytes: number;
  /** Largest cosine distance that counts as near, 0 to 2; 0 turns near hits off. */
  maxDistance: number;
}

export interface NearHit {
  latents: Float32Array;
  /** Cosine distance to the prompt asked for. */
  distance: number;
}

interface Remembered {
  embedding: Float32Array;
  latents: Float32Array;
}

export class LatentCache {
  readonly memory: ByteCache<Remembered>;
  readonly #maxDistance: number;
  #hits = 0;
  #misses = 0;

  constructor({ maxBytes, maxDistance }: LatentCacheOptions) {
    this.#maxDistance = maxDistance;
    this.memory = new ByteCache({
      maxBytes,
      sizeOf: ({ embedding, latents }) => embedding.byteLength + latents.byteLength,
    });
  }

  get counts(): { hits: number; misses: number; evictions: number } {
    return { hits: this.#hits, misses: this.#misses, evictions: this.memory.counts.evictions };
  }

  get enabled(): boolean {
    return this.#maxDistance > 0 && this.memory.maxBytes > 0;
  }

  /** @param group everything that must be equal, see above; @param prompt names the entry within its group */
  put(group: string, prompt: string, remembered: Remembered): void {
    this.memory.set(`${group}/${prompt}`, remembered);
  }

  /** Latents of exactly this prompt: what a run from noise ends in. */
  of(group: string, prompt: string): Float32Array | undefined {
    return this.memory.peek(`${group}/${prompt}`)?.latents;
  }

  /** The nearest entry of a group within the distance; marks it as used last. */
  nearest(group: string, embedding: Float32Array): NearHit | undefined {
    let best: { key: string; distance: number } | undefined;
    for (const key of this.memory.keys()) {
      const held = key.startsWith(`${group}/`) ? this.memory.peek(key) : undefined;
      const distance = held ? cosineDistance(held.embedding, embedding) : Infinity;
      if (distance <= Math.min(this.#maxDistance, best?.distance ?? Infinity)) best = { key, distance };
    }
    const found = best && this.memory.get(best.key);
    if (!found || !best) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    return { latents: found.latents, distance: best.distance };
  }
}

/** 0: same direction, 1: nothing in common, 2: opposite. Infinity for zero vectors and for unequal lengths. */
export function cosineDistance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let [dot, ofA, ofB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    const [x, y] = [a[index] as number, b[index] as number];
    dot += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return ofA === 0 || ofB === 0 ? Infinity : 1 - dot / Math.sqrt(ofA * ofB);
}
