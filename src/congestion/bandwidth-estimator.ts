/** Contract of bandwidth estimation: sent packets and feedback in, a target and probe requests out. Pure. */

/** Content of a packet: sets its order in the pacer and its counter in the metrics. */
export type PacketKind = 'audio' | 'keyframe' | 'delta' | 'rtx' | 'padding';

export interface SentPacket {
  /** Transport-wide sequence number, unwrapped (never wraps), counting every packet of the transport from 0. */
  sequence: number;
  /** Bytes on the wire above UDP: RTP header, payload and SRTP tag. */
  sizeBytes: number;
  sentAtUs: number;
  kind: PacketKind;
  probeId?: number | undefined;
}

export interface PacketResult {
  /** Unwrapped transport-wide sequence number. */
  sequence: number;
  /** Arrival on the receiver's clock, microseconds, arbitrary origin; undefined: reported as not received. */
  arrivedAtUs: number | undefined;
}

/** One transport-wide feedback message (draft-holmer-rmcat-transport-wide-cc-extensions-01), in sequence order. */
export interface TransportFeedback {
  packets: readonly PacketResult[];
}

/** A burst to send at `rateBps`, to learn whether the path carries it. */
export interface ProbeRequest {
  id: number;
  rateBps: number;
  /** Bytes the cluster must hold: at least 5 packets and 15 ms. */
  sizeBytes: number;
}

/** Reason of the last target change, for metrics and the page. */
export type EstimatorReason =
  | 'start'
  | 'increase'
  | 'hold'
  | 'overuse'
  | 'queue'
  | 'loss'
  | 'probe'
  | 'remb'
  | 'timeout'
  | 'drain'
  /** Other flows keep the queue filled: loss controls the rate instead of delay. */
  | 'compete';

/** The estimator's values at one time. */
export interface EstimatorSnapshot {
  targetBps: number;
  reason: EstimatorReason;
  delayBasedBps: number;
  lossBasedBps: number;
  throughputBps: number | undefined;
  rttMs: number | undefined;
  /** Estimated standing queue of the path: one-way delay above its windowed minimum. */
  queueMs: number;
  lossRatio: number;
  trend: number;
  threshold: number;
}

/** (state, input, nowUs) → state and outputs. Never reads a clock. */
export interface BandwidthEstimator {
  onPacketSent(packet: SentPacket): void;
  /** @returns the number of new results; ignores packets never sent or already reported */
  onFeedback(feedback: TransportFeedback, nowUs: number): number;
  onRtt(rttMs: number, nowUs: number): void;
  /** Receiver estimated maximum bitrate: an upper bound. */
  onRemb(bitrateBps: number, nowUs: number): void;
  /** Call at least every 25 ms while packets flow. */
  onTick(nowUs: number): void;
  /** The probe to send now, returned once; undefined when none is wanted. */
  takeProbe(nowUs: number): ProbeRequest | undefined;
  readonly targetBps: number;
  readonly snapshot: EstimatorSnapshot;
}
