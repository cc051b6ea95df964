/** The counters of a send path, and their snapshot. */
import type { EstimatorReason, PacketKind } from '../congestion/bandwidth-estimator.ts';

export interface VideoSenderCounts {
  packetsSent: number;
  bytesSent: number;
  /** Bytes sent by packet kind. */
  bytesByKind: Record<PacketKind, number>;
  /** Packets sent again at the receiver's request. */
  retransmitted: number;
  /** Packets sent in probes, new or repeated. */
  probePackets: number;
  /** Packets requested, counting every request. */
  nacks: number;
  /** Transport-wide feedback that was malformed or reported nothing new. */
  feedbackRefused: number;
  plis: number;
  firs: number;
  framesSent: number;
  keyframes: number;
  keyframeBytes: number;
  /** Deltas dropped in the pacer, or refused because their reference was dropped. */
  droppedFrames: number;
}

export interface VideoSenderStats extends VideoSenderCounts {
  targetBps: number;
  /** Rate on the wire over the last second. */
  sentBps: number;
  /** Rate on the wire of the sound alone, over the last second. */
  soundBps: number;
  /** Frames accepted over the last second. */
  sentFps: number;
  /** Null before the first report block. */
  rttMs: number | null;
  lossRatio: number;
  pacerQueueMs: number;
  /** Standing queue of the path. */
  networkQueueMs: number;
  /** Delay asked of the viewer, so that lost packets can be replaced in time. */
  playoutReserveMs: number;
  /** Reason of the last target change. */
  reason: EstimatorReason;
}

export const noCounts = (): VideoSenderCounts => ({
  packetsSent: 0,
  bytesSent: 0,
  bytesByKind: { audio: 0, keyframe: 0, rtx: 0, delta: 0, padding: 0 },
  retransmitted: 0,
  probePackets: 0,
  nacks: 0,
  feedbackRefused: 0,
  plis: 0,
  firs: 0,
  framesSent: 0,
  keyframes: 0,
  keyframeBytes: 0,
  droppedFrames: 0,
});
