/** Puts the caches in front of a generator as the service's settings say. */
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Generator } from '../generator.ts';
import type { CacheSource } from '../../metrics/cache-source.ts';
import { CachingGenerator } from './caching-generator.ts';
import { LatentCache } from './latents.ts';
import { SegmentDisk } from './segment-disk.ts';
import { SegmentCache } from './segments.ts';

export type CacheConfig = Pick<Config, 'cacheMemory' | 'cacheDir' | 'cacheDisk' | 'cacheNear'>;

export interface CacheHooks {
  /** The caches, for whoever counts. */
  onCaches?: (sources: readonly CacheSource[]) => void;
  /** The cache folder cannot be used; memory goes on alone. Called once until it works again. */
  onCacheTrouble?: (trouble: { code: string; operation: 'open' | 'read' | 'write' }) => void;
}

/**
 * Raised with every change of our own code that makes other pictures of the same job: noise, sampling, decoding.
 * Segments on disk of an older number are not found again, and in time evicted.
 */
const PICTURES_VERSION = 1;
/** Latents are a hundredth of their pictures; this share of the memory holds as many slices of them and more. */
const LATENTS_SHARE = 1 / 16;
/**
 * Near hits: the embedded model's second noise level, and one step from there. A level further down the old picture
 * stays: of the changed words only 63% were shown from the third, 20% from the fourth, against 93% from here and from
 * noise (40 pairs of prompts, one word changed, read by the probe).
 */
const NEAR_STRENGTH = 0.923077;
const NEAR_STEPS = 1;
const MB = 2 ** 20;

/** @param identity generator and weights; whatever changes the pictures must change it */
export function withCaches(
  generator: Generator,
  identity: string,
  { cacheMemory, cacheDir, cacheDisk, cacheNear }: CacheConfig,
  { onCaches, onCacheTrouble }: CacheHooks,
): Generator {
  if (cacheMemory === 0) return generator;
  const disk =
    cacheDir === undefined || cacheDisk === 0
      ? undefined
      : new SegmentDisk({
          directory: join(cacheDir, 'segments'),
          maxBytes: cacheDisk * MB,
          clock: systemClock,
          ...(onCacheTrouble ? { onTrouble: onCacheTrouble } : {}),
        });
  const bytes = cacheMemory * MB;
  const caching = new CachingGenerator({
    generator,
    identity: `${PICTURES_VERSION}/${identity}`,
    segments: new SegmentCache({ maxBytes: bytes * (1 - LATENTS_SHARE), disk }),
    latents: new LatentCache({ maxBytes: bytes * LATENTS_SHARE, maxDistance: cacheNear }),
    nearStrength: NEAR_STRENGTH,
    nearSteps: NEAR_STEPS,
  });
  onCaches?.(caching.sources);
  return caching;
}
