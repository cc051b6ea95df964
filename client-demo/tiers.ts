/** The tiers' colours for page and canvas: brighter means more finished. Same values as in style.css. */
import type { Tier } from '../src/client/index.ts';

/** Lowest first. */
export const TIER_ORDER: readonly Tier[] = ['draft', 'base', 'refined', 'upscaled'];

export const TIER_COLOURS: Readonly<Record<Tier, string>> = {
  draft: '#8b7cf6',
  base: '#4aa8f5',
  refined: '#3fe0b4',
  upscaled: '#ffd479',
};

/** 0 for `draft` … 3 for `upscaled`. */
export const tierRank = (tier: Tier): number => TIER_ORDER.indexOf(tier);
