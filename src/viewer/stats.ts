/** Builds the stats snapshot of a session for the wire: all rounding and defaults are here. */
import type { Tier } from '../picture/tiers.ts';
import type { Playout } from '../stream/timeline/playout.ts';
import type { VideoSenderStats } from '../transport/video-sender.ts';
import type { SessionRequest, SessionStats } from '../session/contract.ts';
import type { LatencyValues } from './latencies.ts';
import type { SentPicture } from './picture-loop.ts';

export interface StatsParts {
  state: string;
  request: SessionRequest;
  revision: number;
  paused: boolean;
  playout: Playout;
  tierCap: Tier;
  playing: SentPicture | undefined;
  /** Undefined while no connection is up. */
  sender: VideoSenderStats | undefined;
  codec: string | undefined;
  latencies: LatencyValues;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
const tenthsOrNull = (value: number | null | undefined): number | null => (value == null ? null : tenths(value));

export function snapshotStats(parts: StatsParts): SessionStats {
  const { playout, playing, sender, latencies } = parts;
  return {
    state: parts.state,
    mode: parts.request.mode,
    paused: parts.paused,
    revision: parts.revision,
    playheadMs: tenths(playout.playheadMs),
    durationMs: tenthsOrNull(playout.durationMs),
    tier: playing?.picture.tier ?? null,
    tierCap: parts.tierCap,
    widthPx: playing?.widthPx ?? 0,
    heightPx: playing?.heightPx ?? 0,
    targetBps: Math.round(sender?.targetBps ?? 0),
    sentBps: Math.round(sender?.sentBps ?? 0),
    fps: tenths(sender?.sentFps ?? 0),
    rttMs: tenthsOrNull(sender?.rttMs),
    lossRatio: sender?.lossRatio ?? 0,
    pacerQueueMs: tenths(sender?.pacerQueueMs ?? 0),
    networkQueueMs: tenths(sender?.networkQueueMs ?? 0),
    playoutReserveMs: sender?.playoutReserveMs ?? 0,
    estimatorReason: sender?.reason ?? 'start',
    keyframes: sender?.keyframes ?? 0,
    framesSent: sender?.framesSent ?? 0,
    lateFrames: playout.lateFrames,
    nacks: sender?.nacks ?? 0,
    plis: sender?.plis ?? 0,
    packetsSent: sender?.packetsSent ?? 0,
    retransmitted: sender?.retransmitted ?? 0,
    codec: parts.codec ?? '',
    timeToConnectMs: tenthsOrNull(latencies.timeToConnectMs),
    timeToFirstFrameMs: tenthsOrNull(latencies.timeToFirstFrameMs),
    timeToDraftMs: tenthsOrNull(latencies.timeToDraftMs),
    timeToRefinedMs: tenthsOrNull(latencies.timeToRefinedMs),
  };
}
