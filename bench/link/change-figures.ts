/** How fast a flow takes what a change of capacity gives, and how fast its queue goes where it takes away. Pure. */
import { BIN_MS, sumOver, type FlowRecord } from './recording.ts';
import type { SegmentFigures } from './figures.ts';

type Span = Pick<SegmentFigures, 'fromMs' | 'toMs' | 'capacityBps'>;

const RISE_WINDOW_MS = 500;
const RISE_SHARE = 0.85;

/** From the start of a segment until half a second used 85% of its capacity, whatever the queue; null: never. */
export function riseMs({ servedBits }: Pick<FlowRecord, 'servedBits'>, segment: Span): number | null {
  const { fromMs, toMs, capacityBps } = segment;
  const enough = RISE_SHARE * capacityBps * (RISE_WINDOW_MS / 1_000);
  for (let atMs = fromMs; atMs + RISE_WINDOW_MS <= toMs; atMs += BIN_MS) {
    if (sumOver(servedBits, atMs, atMs + RISE_WINDOW_MS) >= enough) return atMs - fromMs;
  }
  return null;
}

/** Longest wait in the queue from so many ms after each drop to the end of its segment; null without a drop. */
export function queueAfterDropMs(
  { waits }: Pick<FlowRecord, 'waits'>,
  segments: readonly Span[],
  afterMs: number,
): number | null {
  const drops = segments.filter(({ capacityBps }, index) => capacityBps < (segments[index - 1]?.capacityBps ?? 0));
  if (drops.length === 0) return null;
  const inside = waits.filter(({ atMs }) => drops.some(({ fromMs, toMs }) => atMs >= fromMs + afterMs && atMs < toMs));
  return inside.reduce((most, { waitMs }) => Math.max(most, Math.round(waitMs)), 0);
}
