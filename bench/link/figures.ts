/**
 * From a recording to the figures people compare: use of the capacity, queue, loss, fairness, and how long a controller
 * took to settle after each change. What they mean exactly is in docs/congestion-bench.md.
 */
import { BIN_MS, SAMPLE_MS, sumOver, type FlowRecord, type Recording } from './recording.ts';
import type { FlowKind, Scenario } from './scenario.ts';
import { segmentsOf, type Segment } from './segments.ts';

export interface SegmentFigures {
  fromMs: number;
  toMs: number;
  capacityBps: number;
  utilisation: number;
  /** Without the first three seconds. */
  settledUtilisation: number;
  queueP50Ms: number;
  queueP95Ms: number;
  queueP99Ms: number;
  lossRatio: number;
  /** Until half a second uses 85% of the capacity with a mean wait under 50 ms; null: never. */
  convergeMs: number | null;
  /** Until no packet waits 50 ms for a second; null: never. */
  drainMs: number | null;
}

export interface FlowFigures {
  kind: FlowKind;
  /** Share of the capacity while the flow was active. */
  utilisation: number;
  throughputBps: number;
  /** Null for flows without a target. */
  meanTargetBps: number | null;
  queueP50Ms: number;
  queueP95Ms: number;
  queueP99Ms: number;
  lossRatio: number;
}

export interface ControllerFigures {
  /** Of all media flows together. */
  utilisation: number;
  queueP50Ms: number;
  queueP95Ms: number;
  queueP99Ms: number;
  /** Without the 1.5 s after each drop of capacity. */
  settledQueueP95Ms: number;
  lossRatio: number;
  /** Dropped by a full queue, or vanished, of those lost. */
  droppedRatio: number;
  /** While all controlled flows are active, without the first ten seconds of that; only with two or more. */
  jain?: number;
  segments: SegmentFigures[];
  flows: FlowFigures[];
}

/** Flows whose rate is a controller's decision; TCP's is not for us to be fair with by this index. */
const CONTROLLED: ReadonlySet<FlowKind> = new Set(['media', 'glimpse', 'gcc']);
const SETTLE_MS = 3_000;
const AFTER_DROP_MS = 1_500;
const CONVERGED_SHARE = 0.85;
const CONVERGED_WAIT_MS = 50;
const CONVERGE_WINDOW_MS = 500;
const DRAIN_WINDOW_MS = 1_000;
const FAIR_AFTER_MS = 10_000;

const ratio = (value: number): number => Math.round(value * 10_000) / 10_000;
const tenth = (value: number): number => Math.round(value * 10) / 10;

interface Active {
  record: FlowRecord;
  fromMs: number;
  toMs: number;
}

export function figuresOf(scenario: Scenario, recording: Recording): ControllerFigures {
  const { durationMs, flows: records } = recording;
  const all = scenario.flows.map(({ startMs, stopMs = durationMs }, index): Active => {
    return { record: records[index]!, fromMs: startMs, toMs: Math.min(stopMs, durationMs) };
  });
  const media = mediaOf(all);
  const fromMs = Math.min(...media.map((flow) => flow.fromMs));
  const toMs = Math.max(...media.map((flow) => flow.toMs));
  const segments = segmentsOf(scenario, fromMs, toMs);
  const waits = media.flatMap(({ record }) => record.waits).toSorted((a, b) => a.atMs - b.atMs);
  const settled = waits.filter(({ atMs }) => !segments.some((part) => part.drop && after(part, atMs) < AFTER_DROP_MS));
  const jain = fairness(all.filter(({ record }) => CONTROLLED.has(record.kind)));
  return {
    utilisation: ratio(utilisation(recording, media, fromMs, toMs)),
    ...queueFigures(waits),
    settledQueueP95Ms: quantile(settled, 0.95),
    lossRatio: ratio(lossOf(media, fromMs, toMs)),
    droppedRatio: ratio(dropsOf(media, fromMs, toMs)),
    ...(jain === undefined ? {} : { jain: ratio(jain) }),
    segments: segments.map((segment) => segmentFigures(recording, media, waits, segment)),
    flows: all.map((flow) => flowFigures(recording, flow)),
  };
}

const after = ({ fromMs }: Segment, atMs: number): number => (atMs < fromMs ? Infinity : atMs - fromMs);

/** The flows under test; in a file that names its controllers, all of those. */
function mediaOf(flows: readonly Active[]): Active[] {
  const ofKind = (kinds: readonly FlowKind[]): Active[] => flows.filter(({ record }) => kinds.includes(record.kind));
  return [ofKind(['media']), ofKind(['glimpse', 'gcc']), [...flows]].find((list) => list.length > 0) ?? [];
}

function flowFigures(recording: Recording, flow: Active): FlowFigures {
  const { record, fromMs, toMs } = flow;
  const targets = record.targetBps.slice(Math.ceil(fromMs / SAMPLE_MS)).filter((bps) => !Number.isNaN(bps));
  return {
    kind: record.kind,
    utilisation: ratio(utilisation(recording, [flow], fromMs, toMs)),
    throughputBps: Math.round((sumOver(record.servedBits, fromMs, toMs) * 1_000) / (toMs - fromMs)),
    meanTargetBps:
      targets.length === 0 ? null : Math.round(targets.reduce((sum, bps) => sum + bps, 0) / targets.length),
    ...queueFigures(record.waits),
    lossRatio: ratio(lossOf([flow], fromMs, toMs)),
  };
}

function segmentFigures(
  recording: Recording,
  media: readonly Active[],
  waits: FlowRecord['waits'],
  segment: Segment,
): SegmentFigures {
  const { fromMs, toMs, capacityBps } = segment;
  const inside = waits.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const settledMs = Math.min(fromMs + SETTLE_MS, toMs - BIN_MS);
  return {
    fromMs,
    toMs,
    capacityBps,
    utilisation: ratio(utilisation(recording, media, fromMs, toMs)),
    settledUtilisation: ratio(utilisation(recording, media, settledMs, toMs)),
    ...queueFigures(inside),
    lossRatio: ratio(lossOf(media, fromMs, toMs)),
    convergeMs: convergence(recording, media, inside, segment),
    drainMs: drain(inside, segment),
  };
}

function queueFigures(waits: FlowRecord['waits']): Pick<FlowFigures, 'queueP50Ms' | 'queueP95Ms' | 'queueP99Ms'> {
  return {
    queueP50Ms: quantile(waits, 0.5),
    queueP95Ms: quantile(waits, 0.95),
    queueP99Ms: quantile(waits, 0.99),
  };
}

/** Nearest rank; 0 for nothing. */
function quantile(waits: FlowRecord['waits'], share: number): number {
  const sorted = Float64Array.from(waits, ({ waitMs }) => waitMs).toSorted();
  return tenth(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
}

/** Both bits are counted over whole bins, so this never exceeds 1. */
function utilisation({ capacity }: Recording, flows: readonly Active[], fromMs: number, toMs: number): number {
  const bin = (ms: number): number => Math.floor(ms / BIN_MS) * BIN_MS * 1_000;
  const possible = capacity.bitsBetween(bin(fromMs), bin(toMs));
  return possible === 0 ? 0 : sum(flows, ({ record }) => sumOver(record.servedBits, fromMs, toMs)) / possible;
}

function lossOf(flows: readonly Active[], fromMs: number, toMs: number): number {
  const lost = sum(
    flows,
    ({ record }) => sumOver(record.lostPackets, fromMs, toMs) + sumOver(record.droppedPackets, fromMs, toMs),
  );
  return (
    lost /
    Math.max(
      sum(flows, ({ record }) => sumOver(record.sentPackets, fromMs, toMs)),
      1,
    )
  );
}

function dropsOf(flows: readonly Active[], fromMs: number, toMs: number): number {
  const dropped = sum(flows, ({ record }) => sumOver(record.droppedPackets, fromMs, toMs));
  return (
    dropped /
    Math.max(
      sum(flows, ({ record }) => sumOver(record.sentPackets, fromMs, toMs)),
      1,
    )
  );
}

/** Jain's index: 1 when all have the same, 1/n when one has all. */
function fairness(flows: readonly Active[]): number | undefined {
  const fromMs = Math.max(...flows.map((flow) => flow.fromMs)) + FAIR_AFTER_MS;
  const toMs = Math.min(...flows.map((flow) => flow.toMs));
  if (flows.length < 2 || toMs <= fromMs) return undefined;
  const shares = flows.map(({ record }) => sumOver(record.servedBits, fromMs, toMs));
  const squares = shares.reduce((total, share) => total + share ** 2, 0);
  return squares === 0 ? undefined : shares.reduce((total, share) => total + share, 0) ** 2 / (shares.length * squares);
}

function convergence(
  recording: Recording,
  media: readonly Active[],
  waits: FlowRecord['waits'],
  { fromMs, toMs }: Segment,
): number | null {
  let first = 0;
  let end = 0;
  let waitedMs = 0;
  for (let atMs = fromMs; atMs + CONVERGE_WINDOW_MS <= toMs; atMs += BIN_MS) {
    const untilMs = atMs + CONVERGE_WINDOW_MS;
    for (; end < waits.length && waits[end]!.atMs < untilMs; end++) waitedMs += waits[end]!.waitMs;
    for (; first < end && waits[first]!.atMs < atMs; first++) waitedMs -= waits[first]!.waitMs;
    if (waitedMs >= CONVERGED_WAIT_MS * (end - first)) continue;
    if (utilisation(recording, media, atMs, untilMs) >= CONVERGED_SHARE) return Math.round(atMs - fromMs);
  }
  return null;
}

function drain(waits: FlowRecord['waits'], { fromMs, toMs }: Segment): number | null {
  let clearMs = fromMs;
  for (const { atMs, waitMs } of waits) {
    if (atMs - clearMs >= DRAIN_WINDOW_MS) return Math.round(clearMs - fromMs);
    if (waitMs >= CONVERGED_WAIT_MS) clearMs = atMs + BIN_MS;
  }
  return toMs - clearMs >= DRAIN_WINDOW_MS ? Math.round(clearMs - fromMs) : null;
}

const sum = <Item>(items: readonly Item[], value: (item: Item) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
