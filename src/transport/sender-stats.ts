/** What a send path counts, and the snapshot it shows. */
import type { EstimatorReason, PacketKind } from '../congestion/bandwidth-estimator.ts';

export interface VideoSenderCounts {
  packetsSent: number;
  bytesSent: number;
  /** The same by what they were spent on. */
  bytesByKind: Record<PacketKind, number>;
  /** Packets sent again because the receiver asked. */
  retransmitted: number;
  /** Packets sent again, or for the first time, to fill or carry probes. */
  probePackets: number;
  /** Packets asked for, each time. */
  nacks: number;
  /** Transport-wide feedback that could not be read, or told nothing new of any packet sent. */
  feedbackRefused: number;
  plis: number;
  firs: number;
  framesSent: number;
  keyframes: number;
  keyframeBytes: number;
  /** Deltas given up in the pacer or refused because their reference was. */
  droppedFrames: number;
}

export interface VideoSenderStats extends VideoSenderCounts {
  targetBps: number;
  /** On the wire, over the last second. */
  sentBps: number;
  /** Frames accepted over the last second. */
  sentFps: number;
  /** Null before the first report block. */
  rttMs: number | null;
  lossRatio: number;
  /** Share of the bytes of the last second that were sent again on request: what media cannot have of the target. */
  repairShare: number;
  pacerQueueMs: number;
  /** Standing queue of the path. */
  networkQueueMs: number;
  /** How long the viewer is asked to hold pictures back, so that lost packets can be replaced in time. */
  playoutReserveMs: number;
  /** Why the target last moved. */
  reason: EstimatorReason;
}

export const noCounts = (): VideoSenderCounts => ({
  packetsSent: 0,
  bytesSent: 0,
  bytesByKind: { keyframe: 0, rtx: 0, delta: 0, padding: 0 },
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
