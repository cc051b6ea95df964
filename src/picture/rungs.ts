/**
 * The resolutions a viewer may receive: the display size, and fractions of it for links that cannot carry that. The
 * allocator chooses among them.
 */
import type { Rung } from './rung.ts';

/** Pictures with a shorter side are shown at twice their size: single pixels would be too small on any screen. */
const NATIVE_SIDE_MIN_PX = 256;
/** Below this a picture is unrecognisable, and codecs spend most bits on headers. */
const SIDE_MIN_PX = 64;
/** Each step halves the pixels or so, which makes a step down worth its keyframe. */
const SHARES = [1, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 1 / 8] as const;

/**
 * Rungs for a generator whose best tier has this size, largest first, never empty. Sides are even and at least 64 px,
 * and keep the aspect ratio to a pixel. Only the first rung of a smaller picture is below 64 px.
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
 * The rungs that suit a tier of this size: none larger than the tier's display size, because more pixels cost bits and
 * encoding time without adding detail. Never empty.
 * @param rungs largest first.
 */
export function rungsFor(rungs: readonly Rung[], tier: Rung): readonly Rung[] {
  const [shown = tier] = ladder(tier);
  const fitting = rungs.filter(({ widthPx, heightPx }) => widthPx <= shown.widthPx && heightPx <= shown.heightPx);
  return fitting.length > 0 ? fitting : rungs.slice(-1);
}

const even = (sidePx: number): number => Math.max(2, Math.round(sidePx / 2) * 2);
