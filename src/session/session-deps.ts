/** What every session of a service shares: handed in once by whoever builds the service. */
import type { ListenerErrorHandler } from '../events.ts';
import type { Clock } from '../clock.ts';
import type { Rung } from '../picture/rung.ts';
import type { EstimatorReason, PacketKind } from '../congestion/bandwidth-estimator.ts';
import type { Admission } from '../generation/engine/admission.ts';
import type { Generator } from '../generation/generator.ts';
import type { Scheduler } from '../generation/engine/scheduler.ts';
import type { Variant } from '../generation/grades.ts';
import type { Tier } from '../picture/tiers.ts';
import type { EncoderFactory, VideoCodec } from '../media/encode/encoder.ts';
import type { SharedLoops } from '../media/loops/shared-loops.ts';
import type { PacerTimer } from '../transport/pacing/pacer-timer.ts';
import type { PeerHost } from '../transport/peer/contract.ts';

/** The latencies of metrics/latencies.ts that a session can measure by itself. */
export type SessionLatency =
  | 'timeToConnectMs'
  | 'timeToFirstFrameMs'
  | 'timeToDraftMs'
  | 'timeToRefinedMs'
  | 'steerToVisibleMs';

export type SessionCount =
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

/** What is read of a live session once a second. */
export type SessionSample = 'targetBps' | 'sentBps' | 'fps' | 'rttMs' | 'networkQueueMs' | 'pacerQueueMs' | 'lossRatio';

export interface SessionMetrics {
  observe(latency: SessionLatency, ms: number): void;
  count(what: SessionCount | 'sessionsStarted' | 'viewerFreezes' | 'viewerFrozenMs', amount: number): void;
  sample(what: SessionSample, value: number): void;
  /** Every frame of a slice is there at this tier. */
  reached(tier: Tier, variant: Variant): void;
  /** A second of a live session, by what moved its target last. */
  decided(reason: EstimatorReason): void;
  sentBytes(kind: PacketKind, bytes: number): void;
}

export interface SessionDeps {
  clock: Clock;
  generator: Generator;
  scheduler: Scheduler;
  admission: Admission;
  createEncoder: EncoderFactory;
  /** What sessions that show the same pictures need not encode again. */
  loops: SharedLoops;
  peers: PeerHost;
  pacerTimer: PacerTimer;
  /** Largest first. */
  rungs: readonly Rung[];
  /**
   * Highest tier of a session that asks for none, as this machine was measured; until it is known the generator's best,
   * but not `upscaled`: that tier is for machines that were found to hold it.
   */
  defaultTierCap?: (() => Tier | undefined) | undefined;
  /** Codecs we can encode, preferred first. */
  codecs: readonly VideoCodec[];
  startBitrateBps: number;
  /** How long a session whose viewer is gone waits for him. */
  resumeGraceMs: number;
  metrics: SessionMetrics;
  /** Told of a listener of a session's events that threw. */
  onListenerError?: ListenerErrorHandler | undefined;
  /** Uniform in [0, 1); for RTP's random starting points. */
  random: () => number;
}
