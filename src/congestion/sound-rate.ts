/**
 * The rate of a viewer's sound, out of the estimator's grant: first taken, because a gap in the sound is worse than a
 * coarser picture, and small beside it. It goes down at once and up only with room to spare. Pure.
 */

/** Rates of one stream of Opus and the target from which each is used, lowest first. */
const STEPS = [
  { rateBps: 20_000, fromBps: 0 },
  { rateBps: 32_000, fromBps: 200_000 },
  { rateBps: 48_000, fromBps: 600_000 },
] as const;
/** A higher rate must be affordable by this factor. */
const UP_MARGIN = 1.25;

export type SoundRateBps = (typeof STEPS)[number]['rateBps'];

/** @param previous this function's last result for the same viewer; undefined at the start */
export function soundRate(targetBps: number, previous: SoundRateBps | undefined): SoundRateBps {
  const affordable = STEPS.filter(({ rateBps, fromBps }) => {
    const margin = previous !== undefined && rateBps > previous ? UP_MARGIN : 1;
    return fromBps * margin <= targetBps;
  });
  return affordable.at(-1)?.rateBps ?? STEPS[0].rateBps;
}
