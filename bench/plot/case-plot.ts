/** One figure a case: capacity, target and throughput of each controller, and the queue of both, over time. */
import { SAMPLE_MS, sumOver, type FlowRecord, type Recording } from '../link/recording.ts';
import type { Scenario } from '../link/scenario.ts';
import { svgOf, type Chart, type Series } from './chart.ts';

const CAPACITY_COLOR = '#e4e7ec';
const FLOW_COLORS = ['#1a66c2', '#d9480f', '#2b8a3e', '#9c36b5', '#c2255c'];
const OTHERS_COLOR = '#868e96';
const TARGET_COLOR = '#111';
/** Of the controllers, in their order. */
const QUEUE_COLORS = ['#1a66c2', '#d9480f'];
/** Throughput over this; shorter windows show frames instead of rates. */
const WINDOW_MS = 500;
const POINTS_MAX = 600;

/** @param recordings by controller, in the order of drawing. @param more charts below, on the same seconds. */
export function plotCase(
  scenario: Scenario,
  recordings: Readonly<Record<string, Recording>>,
  more: readonly Chart[] = [],
): string {
  const charts = Object.entries(recordings).map(([name, recording]) => rateChart(name, recording));
  const top = Math.max(...charts.map(({ yMax }) => yMax));
  const title = scenario.description ? `${scenario.name}: ${scenario.description}` : scenario.name;
  return svgOf(title, [...charts.map((chart) => ({ ...chart, yMax: top })), queueChart(scenario, recordings), ...more]);
}

function rateChart(name: string, { durationMs, capacity, flows }: Recording): Chart {
  const stepMs = stepOf(durationMs);
  const series: Series[] = [
    {
      label: 'capacity',
      color: CAPACITY_COLOR,
      area: true,
      points: steps(durationMs, stepMs, (atMs) => capacity.bpsAt(atMs * 1_000) / 1e6),
    },
  ];
  let color = 0;
  flows.forEach((flow, index) => {
    const media = ['media', 'glimpse', 'gcc'].includes(flow.kind);
    const label = flows.length === 1 ? 'throughput' : `${flow.kind} ${index + 1}`;
    const points = steps(durationMs, stepMs, (atMs) => throughput(flow, atMs, durationMs));
    series.push({ label, color: media ? FLOW_COLORS[color++ % FLOW_COLORS.length]! : OTHERS_COLOR, points });
  });
  if (flows.length === 1) series.push({ label: 'target', color: TARGET_COLOR, points: targets(flows[0]!) });
  const shown = series.length > 6 ? series.map((line, index) => (index > 4 ? { ...line, label: '' } : line)) : series;
  const yMax = 1.15 * Math.max(...series[0]!.points.map(([, mbps]) => mbps));
  return { title: name, yLabel: 'Mbps', xMax: durationMs / 1_000, yMax, series: shown };
}

function queueChart({ durationMs }: Scenario, recordings: Readonly<Record<string, Recording>>): Chart {
  const stepMs = stepOf(durationMs);
  const lines = Object.entries(recordings).map(([name, recording], index): Series => {
    const worst = worstWaits(recording, stepMs);
    const points = worst.map((waitMs, index) => [(index * stepMs) / 1_000, waitMs] as const);
    return { label: `${name} (longest wait)`, color: QUEUE_COLORS[index]!, points };
  });
  const series = lines.toReversed();
  const top = Math.max(...series.flatMap(({ points }) => points.map(([, waitMs]) => waitMs)), 50);
  return { title: 'queue', yLabel: 'ms', xMax: durationMs / 1_000, yMax: 1.1 * top, series };
}

const stepOf = (durationMs: number): number =>
  Math.max(SAMPLE_MS, Math.ceil(durationMs / POINTS_MAX / SAMPLE_MS) * SAMPLE_MS);

const steps = (durationMs: number, stepMs: number, value: (atMs: number) => number): [number, number][] =>
  Array.from({ length: Math.ceil(durationMs / stepMs) }, (_, index) => [
    (index * stepMs) / 1_000,
    value(index * stepMs),
  ]);

/** Mbps. */
function throughput({ servedBits }: FlowRecord, atMs: number, durationMs: number): number {
  const fromMs = Math.max(0, atMs - WINDOW_MS / 2);
  const toMs = Math.min(durationMs, atMs + WINDOW_MS / 2);
  return sumOver(servedBits, fromMs, toMs) / ((toMs - fromMs) * 1_000);
}

const targets = ({ targetBps }: FlowRecord): [number, number][] =>
  targetBps.map((bps, index) => [((index + 1) * SAMPLE_MS) / 1_000, bps / 1e6]);

function worstWaits({ durationMs, flows }: Recording, stepMs: number): number[] {
  const worst = Array.from({ length: Math.ceil(durationMs / stepMs) }, () => 0);
  for (const { waits } of flows) {
    for (const { atMs, waitMs } of waits) {
      const index = Math.floor(atMs / stepMs);
      worst[index] = Math.max(worst[index] ?? 0, waitMs);
    }
  }
  return worst;
}
