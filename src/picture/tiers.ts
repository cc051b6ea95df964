/** How finished a slice's pictures are, lowest first. A tier never replaces a higher one of the same revision. */
export const TIERS = ['draft', 'base', 'refined', 'upscaled'] as const;
export type Tier = (typeof TIERS)[number];

/** 0 for `draft` up to 3 for `upscaled`. */
export const tierRank = (tier: Tier): number => TIERS.indexOf(tier);

export const higherTier = (a: Tier, b: Tier): Tier => (tierRank(a) >= tierRank(b) ? a : b);
export const lowerTier = (a: Tier, b: Tier): Tier => (tierRank(a) <= tierRank(b) ? a : b);
