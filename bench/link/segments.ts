/** The spans of a scenario in which the forward path stays the same: what a controller is given time to converge in. */
import type { Scenario } from './scenario.ts';

export interface Segment {
  fromMs: number;
  toMs: number;
  capacityBps: number;
  /** The capacity is lower than it was before. */
  drop: boolean;
}

/** A path that changes more often than this is a trace; nothing converges on it. */
const SEGMENT_MIN_MS = 2_000;

/** Cuts [fromMs, toMs) at every change of capacity, outage and black hole; outages themselves are left out. */
export function segmentsOf(scenario: Scenario, fromMs: number, toMs: number): Segment[] {
  const { forward, outages, blackHoles } = scenario;
  const holes = outages.filter(({ direction }) => direction !== 'backward');
  const changes = [
    ...forward.map(({ atMs }) => atMs),
    ...holes.flatMap((hole) => [hole.fromMs, hole.toMs]),
    ...blackHoles.flatMap((hole) => [hole.fromMs, hole.toMs]),
  ];
  const inside = new Set(changes.filter((atMs) => atMs > fromMs && atMs < toMs));
  const cuts = [fromMs, ...[...inside].toSorted((a, b) => a - b), toMs];
  const capacityAt = (atMs: number): number =>
    holes.some((hole) => atMs >= hole.fromMs && atMs < hole.toMs)
      ? 0
      : (forward.findLast((step) => step.atMs <= atMs)?.capacityBps ?? 0);
  const segments = cuts.slice(0, -1).map((cut, index) => ({
    fromMs: cut,
    toMs: cuts[index + 1]!,
    capacityBps: capacityAt(cut),
    drop: index > 0 && capacityAt(cut) < capacityAt(cuts[index - 1]!),
  }));
  const usable = segments.filter(({ capacityBps }) => capacityBps > 0);
  const trace = segments.filter((segment) => segment.toMs - segment.fromMs < SEGMENT_MIN_MS).length > 2;
  return trace ? [] : usable;
}
