/** One slice on the strip. */
import type { Tier } from '../src/client/index.ts';

export interface Cell {
  readonly revision: number;
  readonly slice: number;
  /** Strip time. */
  readonly startMs: number;
  readonly durationMs: number;
  tier: Tier;
  /** How the tier was made. */
  variant: 'full' | 'fast';
  /** When it reached its tier, on the caller's clock, ms. */
  reachedAtMs: number;
  /** Set when it was replayed, or started from a similar picture. */
  cached: 'segment' | 'latent' | undefined;
}
