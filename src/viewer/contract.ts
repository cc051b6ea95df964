/** What a viewer tells its owner, and what the viewer's browser reports back. */
import type { Variant } from '../generation/grades.ts';
import type { Tier } from '../picture/tiers.ts';
import type { StreamEvents, StreamMode } from '../stream/contract.ts';

/** Same fields as `sessionStats` in signaling/protocol.ts; a compile-time test keeps them equal. */
export interface ViewerStats {
  state: string;
  mode: StreamMode;
  paused: boolean;
  revision: number;
  playheadMs: number;
  durationMs: number | null;
  tier: Tier | null;
  tierCap: Tier;
  widthPx: number;
  heightPx: number;
  targetBps: number;
  sentBps: number;
  fps: number;
  rttMs: number | null;
  lossRatio: number;
  pacerQueueMs: number;
  networkQueueMs: number;
  playoutReserveMs: number;
  estimatorReason: string;
  keyframes: number;
  framesSent: number;
  lateFrames: number;
  nacks: number;
  plis: number;
  packetsSent: number;
  retransmitted: number;
  codec: string;
  timeToConnectMs: number | null;
  timeToFirstFrameMs: number | null;
  timeToDraftMs: number | null;
  timeToRefinedMs: number | null;
}

/** What a viewer's browser has counted since its last report. */
export interface ViewerReport {
  freezes: number;
  frozenMs: number;
}

export interface ViewerEvents {
  tier: [
    event: {
      revision: number;
      slice: number;
      tier: Tier;
      startMs: number;
      durationMs: number;
      computeMs: number;
      widthPx: number;
      heightPx: number;
      /** Absent: made by the full part. */
      variant?: Variant | undefined;
      cached?: 'segment' | 'latent' | undefined;
    },
  ];
  playing: [
    event: {
      revision: number;
      slice: number;
      tier: Tier;
      /** Absent: made by the full part. */
      variant?: Variant | undefined;
      rtpTimestamp: number;
      /** Position of the frame in the slice, ms. */
      offsetMs?: number | undefined;
      widthPx: number;
      heightPx: number;
    },
  ];
  stats: [stats: ViewerStats];
  /** The stream waits for admission, or its place has changed. Position 0: admitted. */
  queue: [event: { position: number; waitMs: number | null }];
  /** Progress of a slice at a slow backend; sent a few times a second at most. */
  progress: StreamEvents['progress'];
  /** Text received on the data channel `control`; signaling parses and answers it. */
  channelMessage: [text: string];
  /** The stream begins, or ends, to follow the viewer's camera. */
  camera: [live: boolean];
  /** A failure that the viewer should know about; the stream goes on. */
  error: [error: Error];
  /** The viewer did not connect or return in time; the owner closes them. */
  expired: [reason: string];
}
