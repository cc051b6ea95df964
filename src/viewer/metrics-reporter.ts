/** Reports a viewer's send counters to the metrics, as differences since the last report. */
import type { EstimatorReason, PacketKind } from '../congestion/bandwidth-estimator.ts';
import type { VideoSenderStats } from '../transport/video-sender.ts';
import type { ViewerStats } from './contract.ts';
import type { ViewerCount, ViewerMetrics, ViewerSample } from './deps.ts';

type Counts = Record<ViewerCount, number>;

const NOTHING: Counts = {
  framesSent: 0,
  keyframes: 0,
  keyframeBytes: 0,
  droppedFrames: 0,
  lateFrames: 0,
  bytesSent: 0,
  packetsSent: 0,
  retransmitted: 0,
  probePackets: 0,
  nacks: 0,
  feedbackRefused: 0,
  plis: 0,
  firs: 0,
};
const KINDS: readonly PacketKind[] = ['audio', 'keyframe', 'rtx', 'delta', 'padding'];
const NO_BYTES: Record<PacketKind, number> = { audio: 0, keyframe: 0, rtx: 0, delta: 0, padding: 0 };
const COUNTS = Object.keys(NOTHING) as ViewerCount[];
const SAMPLES = [
  'targetBps',
  'sentBps',
  'fps',
  'rttMs',
  'networkQueueMs',
  'pacerQueueMs',
  'lossRatio',
] as const satisfies readonly ViewerSample[];

export class MetricsReporter {
  readonly #metrics: ViewerMetrics;
  #reported: Counts;
  #reportedBytes = NO_BYTES;

  /** @param lateFrames of the stream before this viewer joined it */
  constructor(metrics: ViewerMetrics, lateFrames: number) {
    this.#metrics = metrics;
    this.#reported = { ...NOTHING, lateFrames };
  }

  /** A new connection counts from zero; the count of late frames belongs to the stream and goes on. */
  onConnected(): void {
    this.#reported = { ...NOTHING, lateFrames: this.#reported.lateFrames };
    this.#reportedBytes = NO_BYTES;
  }

  /** @param sender of the current connection; undefined while there is none */
  report(sender: VideoSenderStats | undefined, lateFrames: number): void {
    const now: Counts = { ...(sender ?? this.#reported), lateFrames };
    for (const what of COUNTS) this.#metrics.count(what, now[what] - this.#reported[what]);
    this.#reported = Object.fromEntries(COUNTS.map((what) => [what, now[what]])) as Counts;
    if (!sender) return;
    for (const kind of KINDS) this.#metrics.sentBytes(kind, sender.bytesByKind[kind] - this.#reportedBytes[kind]);
    this.#reportedBytes = sender.bytesByKind;
  }

  /** Samples a live viewer; called once a second. */
  sample(stats: ViewerStats, reason: EstimatorReason | undefined): void {
    if (reason) this.#metrics.decided(reason);
    for (const what of SAMPLES) {
      const value = stats[what];
      if (value !== null) this.#metrics.sample(what, value);
    }
  }
}
