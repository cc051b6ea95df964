/** What a viewer saw, out of the page's record: how soon a prompt was sharp, and which slices were sharp when they came. Pure. */
import { rtpDistance } from '../../../src/client/playing-log.ts';
import type { PageRecord } from './page-record.ts';

/** A slice as it was when its first frame was sent. */
export interface SeenSlice {
  revision: number;
  slice: number;
  refined: boolean;
  /** Made by the fast refiner. */
  fast: boolean;
}

type Playing = PageRecord['playing'][number];

const isRefined = ({ tier }: Playing): boolean => tier === 'refined' || tier === 'upscaled';

/**
 * Slices of a revision in the order they were seen, without its first: that one is shown as a draft on purpose, because
 * somebody waits for it.
 */
export function seenSlices({ playing }: Pick<PageRecord, 'playing'>, revision: number): SeenSlice[] {
  const seen = new Map<number, Playing>();
  for (const event of playing)
    if (event.revision === revision && event.slice > 0 && !seen.has(event.slice)) seen.set(event.slice, event);
  return [...seen.values()].map((event) => ({
    revision,
    slice: event.slice,
    refined: isRefined(event),
    fast: event.variant === 'fast',
  }));
}

/** From each prompt's leaving the page to the first refined frame of it on the glass, ms; undefined where none came. */
export function firstRefinedMs({ asked, playing, frames }: PageRecord): (number | undefined)[] {
  return asked.map(({ atMs }, revision) => {
    const event = playing.find((one) => one.revision === revision && isRefined(one));
    if (event === undefined) return undefined;
    const frame = frames.find((one) => one.atMs >= atMs && rtpDistance(one.rtpTimestamp, event.rtpTimestamp) >= 0);
    return frame && frame.atMs - atMs;
  });
}

export const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
