/**
 * Every metric except latencies: names, meanings, and for labels the closed set of values, so that viewers' input
 * cannot add label values. docs/metrics.md is generated from these tables.
 */
export interface MetricDefinition {
  metric: string;
  help: string;
}

export interface LabelledDefinition extends MetricDefinition {
  /** Label names with every value each may take. */
  labels: Readonly<Record<string, readonly string[]>>;
}

export interface SampleDefinition extends MetricDefinition {
  /** Upper bounds, in the metric's unit. */
  buckets: readonly number[];
}

export const COUNTERS = {
  sessionsStarted: { metric: 'glimpse_sessions_started_total', help: 'Sessions admitted.' },
  bytesSent: { metric: 'glimpse_sent_bytes_total', help: 'RTP bytes sent, retransmissions and padding included.' },
  packetsSent: {
    metric: 'glimpse_sent_packets_total',
    help: 'RTP packets sent, retransmissions and padding included.',
  },
  retransmitted: { metric: 'glimpse_retransmitted_packets_total', help: 'Packets sent again because a viewer asked.' },
  probePackets: { metric: 'glimpse_probe_packets_total', help: 'Packets sent to fill or carry bandwidth probes.' },
  framesSent: { metric: 'glimpse_frames_sent_total', help: 'Access units handed to the pacer.' },
  keyframes: { metric: 'glimpse_keyframes_total', help: 'Access units that were keyframes.' },
  keyframeBytes: { metric: 'glimpse_keyframe_bytes_total', help: 'Bytes of those keyframes.' },
  droppedFrames: {
    metric: 'glimpse_dropped_frames_total',
    help: 'Frames given up in the pacer, or refused because what they refer to was.',
  },
  lateFrames: { metric: 'glimpse_late_frames_total', help: 'Frame instants at which the last frame had to stand.' },
  nacks: { metric: 'glimpse_nacked_packets_total', help: 'Packets that viewers asked for again, each time.' },
  feedbackRefused: {
    metric: 'glimpse_refused_feedback_total',
    help: 'Transport-wide feedback that could not be read, or told nothing new of any packet sent.',
  },
  plis: { metric: 'glimpse_pli_total', help: 'Keyframe requests by PLI.' },
  firs: { metric: 'glimpse_fir_total', help: 'Keyframe requests by FIR.' },
  viewerFreezes: {
    metric: 'glimpse_viewer_freezes_total',
    help: 'Freezes that viewers report: a frame on screen three times as long as usual, and 150 ms.',
  },
  viewerFrozenMs: { metric: 'glimpse_viewer_frozen_milliseconds_total', help: 'How long those froze.' },
  workerRestarts: {
    metric: 'glimpse_generator_worker_restarts_total',
    help: 'Generator workers replaced after a failure.',
  },
  listenerErrors: { metric: 'glimpse_listener_errors_total', help: 'Event listeners that threw; each is a bug.' },
} as const satisfies Record<string, MetricDefinition>;

export const GAUGES = {
  sessions: { metric: 'glimpse_sessions', help: 'Sessions alive now.' },
  sessionLimit: { metric: 'glimpse_session_limit', help: 'Sessions admitted at most.' },
  ready: { metric: 'glimpse_ready', help: '1 while `/readyz` answers 200.' },
  circuit: {
    metric: 'glimpse_generator_circuit',
    help: 'Whether a generator that keeps failing is left alone: 0 asked as usual, 1 asked once to see, 2 left alone.',
  },
  reduction: {
    metric: 'glimpse_generator_reduction',
    help: 'What a failing generator is asked for less of: 0 nothing, 1 tier, 2 also batch, 3 also steps, 4 drafts alone.',
  },
  clusterDown: {
    metric: 'glimpse_cluster_down',
    help: '1 while this node has lost its connection to NATS; 0 also without a cluster.',
  },
  clusterWorkers: {
    metric: 'glimpse_cluster_workers',
    help: "Workers that take jobs of this gateway's pack; 0 also without a cluster.",
  },
  workerJobs: { metric: 'glimpse_worker_jobs', help: 'Jobs that this worker holds, computing or waiting.' },
  workerLeases: { metric: 'glimpse_worker_leases', help: 'Streams that this worker serves.' },
  workerBacklogMs: {
    metric: 'glimpse_worker_backlog_milliseconds',
    help: 'Compute time of what waits at this worker, by its own measure.',
  },
} as const satisfies Record<string, MetricDefinition>;

const SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2] as const;

/** Sampled from every live session once a second. */
export const SAMPLES = {
  targetBps: {
    metric: 'glimpse_session_target_bits_per_second',
    help: 'What the bandwidth estimator grants a session; once a second.',
    buckets: [100e3, 200e3, 300e3, 500e3, 750e3, 1e6, 1.5e6, 2.5e6, 5e6, 10e6],
  },
  sentBps: {
    metric: 'glimpse_session_sent_bits_per_second',
    help: 'What a session sent in the last second; once a second.',
    buckets: [50e3, 100e3, 200e3, 300e3, 500e3, 750e3, 1e6, 1.5e6, 2.5e6, 5e6, 10e6],
  },
  fps: {
    metric: 'glimpse_session_frames_per_second',
    help: 'Frames a session sent in the last second; once a second.',
    buckets: [0, 1, 4, 8, 10, 11, 12, 15, 20, 24, 30, 60],
  },
  rttMs: {
    metric: 'glimpse_session_rtt_seconds',
    help: 'Round trip by RTCP; once a second.',
    buckets: SECONDS,
  },
  networkQueueMs: {
    metric: 'glimpse_session_network_queue_seconds',
    help: 'Standing queue of the path, as estimated; once a second.',
    buckets: SECONDS,
  },
  pacerQueueMs: {
    metric: 'glimpse_session_pacer_queue_seconds',
    help: 'Media waiting in the pacer; once a second.',
    buckets: SECONDS,
  },
  lossRatio: {
    metric: 'glimpse_session_loss_ratio',
    help: 'Share of packets lost, in [0, 1]; once a second.',
    buckets: [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  },
} as const satisfies Record<string, SampleDefinition>;

export const LABELLED = {
  tiersReached: {
    metric: 'glimpse_slices_total',
    help: 'Slices that reached a tier, by how it was made: `fast` where there was no time for the full part. One that is made again in full counts twice.',
    // The variants are those of generation/grades.ts.
    labels: { tier: ['draft', 'base', 'refined', 'upscaled'], variant: ['full', 'fast'] },
  },
  retries: {
    metric: 'glimpse_generator_retries_total',
    help: 'Tiers that failed and were tried again, by why (down, busy, internal error, other) and by how it ended.',
    // Those of generation/retrying-generator.ts.
    labels: { reason: ['down', 'busy', 'internal', 'other'], outcome: ['recovered', 'given_up'] },
  },
  estimatorReasons: {
    metric: 'glimpse_estimator_seconds_total',
    help: "Seconds of live sessions by why the estimator's target last moved; docs/congestion.md says what each means.",
    labels: {
      reason: ['start', 'increase', 'hold', 'overuse', 'queue', 'loss', 'probe', 'remb', 'timeout', 'drain', 'compete'],
    },
  },
  bytesByKind: {
    metric: 'glimpse_sent_bytes_by_kind_total',
    help: 'RTP bytes sent, by what the grant was spent on: sound, keyframes, retransmissions, deltas, copies that fill probes.',
    labels: { kind: ['audio', 'keyframe', 'rtx', 'delta', 'padding'] },
  },
  clusterEvents: {
    metric: 'glimpse_cluster_events_total',
    help: 'Slices made by workers, and what happened on the way: moved to another worker than the last one, failed over, hedged, or the worker cut off for breaking the protocol.',
    // Those of generation/cluster/gateway/remote-generator.ts.
    labels: { event: ['slice', 'moved', 'failover', 'hedged', 'cut_off'] },
  },
  workerJobsEnded: {
    metric: 'glimpse_worker_jobs_total',
    help: 'Jobs of gateways that ended at this worker, by how.',
    labels: { outcome: ['done', 'failed'] },
  },
  processFaults: {
    metric: 'glimpse_process_faults_total',
    help: 'Rejections and exceptions that no code handled; each is a bug. docs/operations.md says what follows.',
    labels: { kind: ['rejection', 'exception'] },
  },
  abuseDecisions: {
    metric: 'glimpse_abuse_decisions_total',
    help: 'Clients that were slowed, refused, or let in again (level none), by what had counted most.',
    labels: {
      level: ['none', 'slow', 'refuse'],
      // Those of signaling/access/abuse.ts.
      cause: ['refusal', 'flood', 'promptFlood', 'neverWatched', 'unauthorized', 'promptRefused'],
    },
  },
} as const satisfies Record<string, LabelledDefinition>;

export type CounterName = keyof typeof COUNTERS;
export type GaugeName = keyof typeof GAUGES;
export type SampleName = keyof typeof SAMPLES;
export type LabelledName = keyof typeof LABELLED;
export type LabelsOf<Name extends LabelledName> = {
  [
    Label in keyof (typeof LABELLED)[Name]['labels']
  ]: (typeof LABELLED)[Name]['labels'][Label] extends readonly (infer Value)[] ? Value : never;
};
