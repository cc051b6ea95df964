/**
 * The rungs a viewer can be given: the size the picture is shown at, and fractions of it for links that cannot carry
 * that. Which rung is taken is the allocator's decision.
 */
import type { Rung } from './rung.ts';

/** Pictures with a shorter side are shown at twice their size: no screen shows them pixel by pixel. */
const NATIVE_SIDE_MIN_PX = 256;
/** Below this a picture says nothing, and codecs spend most bits on headers. */
const SIDE_MIN_PX = 64;
/** Steps of about half the pixels each, so that one step down is a relief worth a keyframe. */
const SHARES = [1, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 1 / 8] as const;

/**
 * Rungs for a generator whose best tier has this size, largest first, never empty. Sides are even, keep the aspect ratio
 * to a pixel, and are at least 64 px but for the first rung of a picture that is smaller still.
 */
export function ladder({ widthPx, heightPx }: Rung): Rung[] {
  const scale = Math.min(widthPx, heightPx) < NATIVE_SIDE_MIN_PX ? 2 : 1;
  const at = (share: number): Rung => ({
    widthPx: even(widthPx * scale * share),
    heightPx: even(heightPx * scale * share),
  });
  const [full, ...lower] = SHARES.map(at);
  const worthwhile = lower.filter((rung) => Math.min(rung.widthPx, rung.heightPx) >= SIDE_MIN_PX);
  return full === undefined ? worthwhile : [full, ...worthwhile];
}

/**
 * Those of a generator's rungs that pictures of a tier of this size deserve: none larger than the tier would be shown
 * at, because pixels beyond that cost bits and encoding time and show nothing. Never empty.
 * @param rungs largest first.
 */
export function rungsFor(rungs: readonly Rung[], tier: Rung): readonly Rung[] {
  const [shown = tier] = ladder(tier);
  const fitting = rungs.filter(({ widthPx, heightPx }) => widthPx <= shown.widthPx && heightPx <= shown.heightPx);
  return fitting.length > 0 ? fitting : rungs.slice(-1);
}

const even = (sidePx: number): number => Math.max(2, Math.round(sidePx / 2) * 2);
