/** Builds the stats snapshot of a viewer for the wire: all rounding and defaults are here. For people, not for control. */
import type { Tier } from '../picture/tiers.ts';
import type { Stream } from '../stream/stream.ts';
import type { ViewerStats } from './contract.ts';
import type { LatencyValues } from './latencies.ts';
import type { Link } from './link/link.ts';
import type { SentPicture } from './encodes/picture-loop.ts';

export interface StatsParts {
  stream: Stream;
  link: Link;
  tierCap: Tier;
  playing: SentPicture | undefined;
  latencies: LatencyValues;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
const tenthsOrNull = (value: number | null | undefined): number | null => (value == null ? null : tenths(value));

export function snapshotStats({ stream, link, tierCap, playing, latencies }: StatsParts): ViewerStats {
  const { playout } = stream;
  const sender = link.sent;
  return {
    state: link.state,
    mode: stream.mode,
    paused: playout.paused,
    revision: stream.revision,
    playheadMs: tenths(playout.playheadMs),
    durationMs: tenthsOrNull(playout.durationMs),
    tier: playing?.picture.tier ?? null,
    tierCap,
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
    codec: link.codec ?? '',
    timeToConnectMs: tenthsOrNull(latencies.timeToConnectMs),
    timeToFirstFrameMs: tenthsOrNull(latencies.timeToFirstFrameMs),
    timeToDraftMs: tenthsOrNull(latencies.timeToDraftMs),
    timeToRefinedMs: tenthsOrNull(latencies.timeToRefinedMs),
  };
}
