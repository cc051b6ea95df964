/**
 * Writes deploy/grafana/dashboard.json from the table below: `node scripts/write-dashboard.ts`. A test fails when the
 * file is stale, or asks for a metric that the service does not export.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Unit = 's' | 'bps' | 'percentunit' | 'bytes' | 'short' | 'fps' | 'ops';

interface Panel {
  title: string;
  unit: Unit;
  /** PromQL by legend. */
  queries: Readonly<Record<string, string>>;
}

const RATE = '[$__rate_interval]';
const rate = (metric: string): string => `sum(rate(${metric}${RATE}))`;
const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (le${by ? `, ${by}` : ''}) (rate(${metric}_bucket${RATE})))`;
const spread = (metric: string): Record<string, string> => ({
  p50: quantile(0.5, metric),
  p95: quantile(0.95, metric),
});
const byWorkflow = (metric: string): Record<string, string> => ({
  'p50 {{workflow}}': quantile(0.5, metric, 'workflow'),
  'p95 {{workflow}}': quantile(0.95, metric, 'workflow'),
});

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  'What viewers feel': [
    { title: 'Prompt to first draft', unit: 's', queries: byWorkflow('glimpse_time_to_draft_seconds') },
    { title: 'Prompt to refined', unit: 's', queries: byWorkflow('glimpse_time_to_refined_seconds') },
    { title: 'Steering to visible', unit: 's', queries: byWorkflow('glimpse_steer_to_visible_seconds') },
    { title: 'Offer to first frame', unit: 's', queries: byWorkflow('glimpse_time_to_first_frame_seconds') },
    { title: 'Frames a second', unit: 'fps', queries: spread('glimpse_session_frames_per_second') },
    {
      title: 'Late frames',
      unit: 'percentunit',
      queries: {
        late: `${rate('glimpse_late_frames_total')} / (${rate('glimpse_frames_sent_total')} + ${rate('glimpse_late_frames_total')})`,
      },
    },
    { title: 'Freezes reported a second', unit: 'ops', queries: { freezes: rate('glimpse_viewer_freezes_total') } },
    {
      title: 'Slices by tier reached',
      unit: 'ops',
      queries: { '{{tier}} {{variant}}': `sum by (tier, variant) (rate(glimpse_slices_total${RATE})) > 0` },
    },
  ],
  'The network': [
    { title: 'Target', unit: 'bps', queries: spread('glimpse_session_target_bits_per_second') },
    { title: 'Sent by a session', unit: 'bps', queries: spread('glimpse_session_sent_bits_per_second') },
    { title: 'Round trip', unit: 's', queries: spread('glimpse_session_rtt_seconds') },
    { title: 'Queue in the network', unit: 's', queries: spread('glimpse_session_network_queue_seconds') },
    { title: 'Queue in the pacer', unit: 's', queries: spread('glimpse_session_pacer_queue_seconds') },
    { title: 'Loss', unit: 'percentunit', queries: spread('glimpse_session_loss_ratio') },
    {
      title: 'Share of bytes in keyframes',
      unit: 'percentunit',
      queries: { keyframes: `${rate('glimpse_keyframe_bytes_total')} / ${rate('glimpse_sent_bytes_total')}` },
    },
    {
      title: 'Asked for by viewers, a second',
      unit: 'ops',
      queries: {
        'packets (NACK)': rate('glimpse_nacked_packets_total'),
        'keyframes (PLI)': rate('glimpse_pli_total'),
        'keyframes (FIR)': rate('glimpse_fir_total'),
      },
    },
  ],
  'The engine': [
    {
      title: 'Memory by part',
      unit: 'bytes',
      queries: { '{{part}} {{state}}': 'glimpse_part_bytes > 0', caches: 'sum(glimpse_cache_bytes)' },
    },
    {
      title: 'Waiting: steps, and viewers without a place',
      unit: 'short',
      queries: { steps: 'glimpse_scheduler_queue', viewers: 'glimpse_admission_waiting' },
    },
    {
      title: 'A step waits for its turn (p95)',
      unit: 's',
      queries: { '{{rank}}': quantile(0.95, 'glimpse_turn_wait_seconds', 'rank') },
    },
    { title: 'Share of the generator taken', unit: 'percentunit', queries: { load: 'glimpse_admission_load_ratio' } },
    {
      title: 'Cache hit ratio',
      unit: 'percentunit',
      queries: {
        '{{cache}}': `sum by (cache) (rate(glimpse_cache_events_total{event="hit"}${RATE})) / sum by (cache) (rate(glimpse_cache_events_total{event=~"hit|miss"}${RATE}))`,
      },
    },
    {
      title: 'Workers replaced',
      unit: 'short',
      queries: { restarts: `increase(glimpse_generator_worker_restarts_total${RATE})` },
    },
  ],
  'The cluster': [
    {
      title: 'Workers, and connections lost',
      unit: 'short',
      queries: {
        '{{instance}} sees': 'glimpse_cluster_workers',
        '{{instance}} has no NATS': 'glimpse_cluster_down > 0',
      },
    },
    {
      title: 'Slices of workers, and what befell them',
      unit: 'ops',
      queries: { '{{event}}': `sum by (event) (rate(glimpse_cluster_events_total${RATE}))` },
    },
    {
      title: 'Waiting at workers',
      unit: 'short',
      queries: { '{{instance}} ms': 'glimpse_worker_backlog_milliseconds', '{{instance}} jobs': 'glimpse_worker_jobs' },
    },
    {
      title: 'Streams by worker',
      unit: 'short',
      queries: { '{{instance}}': 'glimpse_worker_leases' },
    },
  ],
  'The process': [
    {
      title: 'Sessions',
      unit: 'short',
      queries: { sessions: 'glimpse_sessions', limit: 'glimpse_session_limit' },
    },
    {
      title: 'Errors a second',
      unit: 'ops',
      queries: { '{{code}}': `sum by (code) (rate(glimpse_errors_total${RATE})) > 0` },
    },
    {
      title: 'Event-loop lag',
      unit: 's',
      queries: { p50: 'nodejs_eventloop_lag_p50_seconds', p99: 'nodejs_eventloop_lag_p99_seconds' },
    },
    {
      title: 'CPU and memory',
      unit: 'short',
      queries: {
        cores: rate('process_cpu_seconds_total'),
        'resident GiB': 'process_resident_memory_bytes / 1024 / 1024 / 1024',
      },
    },
  ],
};

const PANEL = { widthUnits: 6, heightUnits: 7, perRow: 4 } as const;
const DATASOURCE = { type: 'prometheus', uid: 'prometheus' } as const;

/** The dashboard as Grafana imports it. */
export function dashboard(): string {
  const panels: object[] = [];
  let y = 0;
  let id = 1;
  for (const [title, row] of Object.entries(ROWS)) {
    panels.push({ id: id++, type: 'row', title, collapsed: false, panels: [], gridPos: { h: 1, w: 24, x: 0, y } });
    y += 1;
    for (const [index, panel] of row.entries()) {
      const x = (index % PANEL.perRow) * PANEL.widthUnits;
      const top = y + Math.floor(index / PANEL.perRow) * PANEL.heightUnits;
      panels.push(timeSeries(id++, panel, { h: PANEL.heightUnits, w: PANEL.widthUnits, x, y: top }));
    }
    y += Math.ceil(row.length / PANEL.perRow) * PANEL.heightUnits;
  }
  const time = { from: 'now-1h', to: 'now' };
  const about = { uid: 'glimpse', title: 'Glimpse', tags: ['glimpse', 'webrtc'], schemaVersion: 39, refresh: '15s' };
  return `${JSON.stringify({ ...about, time, timezone: 'browser', editable: true, panels }, undefined, 2)}\n`;
}

function timeSeries(id: number, { title, unit, queries }: Panel, gridPos: object): object {
  const targets = Object.entries(queries).map(([legendFormat, expr], index) => ({
    refId: String.fromCodePoint(65 + index),
    datasource: DATASOURCE,
    expr,
    legendFormat,
  }));
  const fieldConfig = { defaults: { unit, min: 0, custom: { lineWidth: 2, fillOpacity: 8 } }, overrides: [] };
  return { id, type: 'timeseries', title, datasource: DATASOURCE, gridPos, fieldConfig, targets };
}

/** Names of every metric that PromQL text speaks of. */
export function metricNames(promql: string): string[] {
  return [...new Set(promql.match(/\b(?:glimpse|nodejs|process)_[a-z0-9_]+/g) ?? [])];
}

if (import.meta.main)
  writeFileSync(join(import.meta.dirname, '..', 'deploy', 'grafana', 'dashboard.json'), dashboard());
