/** H.264 levels (ITU-T H.264 table A-1): the picture size and frame rate that a decoder declares to support. Pure. */
import type { Rung } from '../../picture/rung.ts';

/** `level_idc`, with its maximum of macroblocks per frame and per second. */
const LEVELS: readonly (readonly [levelIdc: number, frameMbs: number, perSecondMbs: number])[] = [
  [10, 99, 1_485],
  [11, 396, 3_000],
  [12, 396, 6_000],
  [13, 396, 11_880],
  [20, 396, 11_880],
  [21, 792, 19_800],
  [22, 1_620, 20_250],
  [30, 1_620, 40_500],
  [31, 3_600, 108_000],
  [32, 5_120, 216_000],
  [40, 8_192, 245_760],
  [42, 8_704, 522_240],
  [50, 22_080, 589_824],
  [51, 36_864, 983_040],
  [52, 36_864, 2_073_600],
];

/**
 * The rungs that a decoder of this level supports; the smallest rung if all are too large.
 * @param rungs largest first
 * @param levelIdc third byte of `profile-level-id`; one between two levels counts as the lower
 */
export function rungsWithin(rungs: readonly Rung[], levelIdc: number, fps: number): readonly Rung[] {
  const [, frameMbs, perSecondMbs] = LEVELS.findLast(([level]) => level <= levelIdc) ?? LEVELS[0]!;
  const fitting = rungs.filter(({ widthPx, heightPx }) => {
    const macroblocks = Math.ceil(widthPx / 16) * Math.ceil(heightPx / 16);
    return macroblocks <= frameMbs && macroblocks * fps <= perSecondMbs;
  });
  return fitting.length > 0 ? fitting : rungs.slice(-1);
}
