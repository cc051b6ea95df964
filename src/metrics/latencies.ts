/**
 * The definition of each latency: every measurement uses exactly the two instants given here. The names are those of
 * `SessionStats`, the wire, the bench reports and docs/metrics.md. Durations are in milliseconds in the code and
 * exported in seconds, Prometheus' base unit.
 */
export interface LatencyDefinition {
  /** Start and end, as text. */
  meaning: string;
  /** Histogram name; undefined where only the browser or a bench can measure it. */
  metric: string | undefined;
}

export const LATENCIES = {
  timeToConnectMs: {
    meaning:
      'From the offer reaching the server to the peer being connected (ICE nominated, DTLS verified, SRTP keyed).',
    metric: 'glimpse_time_to_connect_seconds',
  },
  timeToFirstFrameMs: {
    meaning: 'From the offer reaching the server to the first frame being handed to the pacer.',
    metric: 'glimpse_time_to_first_frame_seconds',
  },
  timeToDraftMs: {
    meaning: 'From a prompt being accepted to the first draft frame of its revision being handed to the pacer.',
    metric: 'glimpse_time_to_draft_seconds',
  },
  timeToRefinedMs: {
    meaning:
      'From a prompt being accepted to the first refined frame of its revision, made in full or fast, being handed to the pacer.',
    metric: 'glimpse_time_to_refined_seconds',
  },
  steerToVisibleMs: {
    meaning:
      'From a change on a connected session being accepted to the first frame of its revision being handed to the pacer.',
    metric: 'glimpse_steer_to_visible_seconds',
  },
  glassToGlassMs: {
    meaning: 'From a frame being ready in the server to its being presented in the browser; measured by the viewer.',
    metric: undefined,
  },
} as const satisfies Record<string, LatencyDefinition>;

export type LatencyName = keyof typeof LATENCIES;

/** Latencies that the server itself measures. */
export type ServerLatencyName = {
  [Name in LatencyName]: (typeof LATENCIES)[Name]['metric'] extends string ? Name : never;
}[LatencyName];

/** Upper bounds in seconds: fine around the 100 ms that drafts aim at, up to a clip refined on a slow machine. */
export const LATENCY_BUCKETS_SECONDS = [
  0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30,
] as const;
