/** What all viewers of a service share: clock, encoders, the way to a peer, metrics. */
import type { ListenerErrorHandler } from '../events.ts';
import type { Clock } from '../clock.ts';
import type { Rung } from '../picture/rung.ts';
import type { EstimatorReason, PacketKind } from '../congestion/bandwidth-estimator.ts';
import type { EncoderFactory, VideoCodec } from '../media/encode/encoder.ts';
import type { SharedLoops } from '../media/loops/shared-loops.ts';
import type { PacerTimer } from '../transport/pacing/pacer-timer.ts';
import type { PeerHost } from '../transport/peer/contract.ts';

/** The latencies of metrics/latencies.ts that a viewer's send side measures. */
export type ViewerLatency =
  | 'timeToConnectMs'
  | 'timeToFirstFrameMs'
  | 'timeToDraftMs'
  | 'timeToRefinedMs'
  | 'steerToVisibleMs';

export type ViewerCount =
  | 'framesSent'
  | 'keyframes'
  | 'keyframeBytes'
  | 'droppedFrames'
  | 'lateFrames'
  | 'bytesSent'
  | 'packetsSent'
  | 'retransmitted'
  | 'probePackets'
  | 'nacks'
  | 'feedbackRefused'
  | 'plis'
  | 'firs';

/** Values sampled from a live viewer once a second. */
export type ViewerSample = 'targetBps' | 'sentBps' | 'fps' | 'rttMs' | 'networkQueueMs' | 'pacerQueueMs' | 'lossRatio';

export interface ViewerMetrics {
  observe(latency: ViewerLatency, ms: number): void;
  count(what: ViewerCount | 'sessionsStarted' | 'viewerFreezes' | 'viewerFrozenMs', amount: number): void;
  sample(what: ViewerSample, value: number): void;
  /** Counts one second of a live viewer by the reason of its last target change. */
  decided(reason: EstimatorReason): void;
  sentBytes(kind: PacketKind, bytes: number): void;
}

export interface EncodingDeps {
  createEncoder: EncoderFactory;
  /** Encoded loops that viewers of the same pictures share. */
  loops: SharedLoops;
  /** Resolutions that can be encoded, largest first. */
  rungs: readonly Rung[];
}

export interface LinkDeps {
  peers: PeerHost;
  /** Codecs we can encode, preferred first. */
  codecs: readonly VideoCodec[];
  pacerTimer: PacerTimer;
  startBitrateBps: number;
  /** How long to wait for a viewer who is gone. */
  resumeGraceMs: number;
  /** Uniform in [0, 1); for RTP's random initial values. */
  random: () => number;
}

export interface ViewerDeps {
  clock: Clock;
  encoding: EncodingDeps;
  link: LinkDeps;
  metrics: ViewerMetrics;
  /** Called when a listener of a viewer's events throws. */
  onListenerError?: ListenerErrorHandler | undefined;
}
