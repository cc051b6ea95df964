/**
 * A cache as metrics see it: a name from a closed set, and figures read on demand. The weights have metrics of their
 * own (`glimpse_part_bytes`, `glimpse_warm_activations_total`).
 */
export const CACHE_NAMES = ['segments-memory', 'segments-disk', 'latents', 'loops'] as const;
export type CacheName = (typeof CACHE_NAMES)[number];

export interface CacheFigures {
  hits: number;
  misses: number;
  evictions: number;
  /** Values not stored: no space, or a failed write to disk. */
  refused?: number;
  /** Files that failed their check and were dropped. */
  damaged?: number;
  bytes: number;
}

export interface CacheSource {
  cache: CacheName;
  read(): CacheFigures;
  /** Releases what it holds in memory; left out where it holds nothing there. */
  clear?(): void;
}
