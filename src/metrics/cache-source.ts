/**
 * A cache as metrics see it: a name out of a closed list, and figures that are read when somebody asks. The weights have
 * metrics of their own (`glimpse_part_bytes`, `glimpse_warm_activations_total`).
 */
export const CACHE_NAMES = ['segments-memory', 'segments-disk', 'latents', 'loops'] as const;
export type CacheName = (typeof CACHE_NAMES)[number];

export interface CacheFigures {
  hits: number;
  misses: number;
  evictions: number;
  /** Values that were not kept for want of room, or because the disk would not take them. */
  refused?: number;
  /** Files that did not check out and were dropped. */
  damaged?: number;
  bytes: number;
}

export interface CacheSource {
  cache: CacheName;
  read(): CacheFigures;
  /** Lets go of what it holds in memory; left out where it holds nothing there. */
  clear?(): void;
}
