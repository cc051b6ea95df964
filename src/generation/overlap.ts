/**
 * Slices whose latents overlap, for generators that make long clips in pieces that share latents with their neighbour.
 * The rule is that of the LTX looping sampler: of the latents a new slice shares with the one before, the first is
 * dropped (it stands for a single frame and has nothing before it), the others are blended, the new slice's share rising
 * evenly: with three shared latents the old one keeps 2/3, then 1/3. Pure. For generators that hold their own latents; none
 * that ships calls it yet.
 */
export interface OverlapRule {
  /** Latents of one slice, in time. */
  length: number;
  /** Of them shared with the slice before. */
  overlap: number;
  /** Of the shared ones, how many of the new slice's are dropped. */
  dropped: number;
}

/** Tiles of 80 frames with 24 shared, at 8 frames a latent. */
export const LTX_OVERLAP: OverlapRule = { length: 10, overlap: 3, dropped: 1 };

export interface OverlappedSlice {
  /** Place of its first latent on the timeline, counted in latents. */
  start: number;
  /** How much each of its latents counts there, in [0, 1]; over all slices every place sums to 1. */
  weights: number[];
}

export const isOverlapRule = ({ length, overlap, dropped }: OverlapRule): boolean =>
  [length, overlap, dropped].every(Number.isInteger) && dropped >= 0 && dropped <= overlap && 2 * overlap <= length;

/** Slices that cover `total` latents; the last may reach beyond. At least one. `rule` must be an overlap rule. */
export function overlappedSlices(total: number, rule: OverlapRule): OverlappedSlice[] {
  const { length, overlap } = rule;
  const count = Math.max(1, Math.ceil((total - overlap) / (length - overlap)));
  return Array.from({ length: count }, (_, slice) => ({
    start: slice * (length - overlap),
    weights: Array.from({ length }, (_weight, latent) => {
      const rise = slice === 0 ? 1 : share(latent, rule);
      const fall = slice === count - 1 ? 1 : 1 - share(latent - (length - overlap), rule);
      return Math.min(rise, fall);
    }),
  }));
}

/** The new slice's share of its own latent number `latent`. */
function share(latent: number, { overlap, dropped }: OverlapRule): number {
  if (latent < dropped) return 0;
  if (latent >= overlap) return 1;
  return (latent - dropped + 1) / (overlap - dropped + 1);
}

/**
 * Joins slices into one run of latents.
 * @param slices each `rule.length * values` numbers, latent after latent @param values numbers of one latent
 */
export function joinOverlapped(slices: readonly Float32Array[], rule: OverlapRule, values: number): Float32Array {
  const step = rule.length - rule.overlap;
  const total = slices.length * step + rule.overlap;
  const joined = new Float32Array(total * values);
  for (const [slice, { start, weights }] of overlappedSlices(total, rule).entries()) {
    const own = slices[slice];
    for (const [latent, weight] of weights.entries()) {
      if (weight === 0 || own === undefined) continue;
      for (let value = 0; value < values; value++) {
        const at = (start + latent) * values + value;
        joined[at] = (joined[at] ?? 0) + weight * (own[latent * values + value] ?? 0);
      }
    }
  }
  return joined;
}
