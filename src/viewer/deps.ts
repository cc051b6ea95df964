/** Dependencies that all sessions of a service share. The service's builder passes them in once. */
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

/** The latencies of metrics/latencies.ts that a session measures itself. */
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

/** Values sampled from a live session once a second. */
export type SessionSample = 'targetBps' | 'sentBps' | 'fps' | 'rttMs' | 'networkQueueMs' | 'pacerQueueMs' | 'lossRatio';

export interface SessionMetrics {
  observe(latency: SessionLatency, ms: number): void;
  count(what: SessionCount | 'sessionsStarted' | 'viewerFreezes' | 'viewerFrozenMs', amount: number): void;
  sample(what: SessionSample, value: number): void;
  /** Every frame of a slice has reached this tier. */
  reached(tier: Tier, variant: Variant): void;
  /** Counts one second of a live session by the reason of its last target change. */
  decided(reason: EstimatorReason): void;
  sentBytes(kind: PacketKind, bytes: number): void;
}

export interface SessionDeps {
  clock: Clock;
  generator: Generator;
  scheduler: Scheduler;
  admission: Admission;
  createEncoder: EncoderFactory;
  /** Encoded loops that sessions with the same pictures share. */
  loops: SharedLoops;
  peers: PeerHost;
  pacerTimer: PacerTimer;
  /** Largest first. */
  rungs: readonly Rung[];
  /**
   * Highest tier of a session that asks for none, from this machine's measurement. Until then it is the generator's
   * best below `upscaled`: that tier needs a machine measured to sustain it.
   */
  defaultTierCap?: (() => Tier | undefined) | undefined;
  /** Codecs we can encode, preferred first. */
  codecs: readonly VideoCodec[];
  startBitrateBps: number;
  /** How long a session waits for a viewer who is gone. */
  resumeGraceMs: number;
  metrics: SessionMetrics;
  /** Called when a listener of a session's events throws. */
  onListenerError?: ListenerErrorHandler | undefined;
  /** Uniform in [0, 1); for RTP's random initial values. */
  random: () => number;
}
