/** What a viewer got of a real run: frames and the gaps between them, freezes, sizes, and the browser's own counters. */
import type { Distribution } from '../report.ts';
import type { Quality } from './quality.ts';
import type { LinkViewing, PresentedFrame } from './link-viewer.ts';
import type { RealRun } from './real-run.ts';

export interface ViewerFigures {
  connectMs: number | null;
  firstFrameMs: number | null;
  framesPresented: number;
  presentedFps: number;
  /** `freezeCount` of the standard: a frame that stood much longer than those before it. */
  freezes: number;
  frozenMs: number;
  longestGapMs: number;
  /** On the scenario's clock: when the longest gap began. */
  longestGapAtMs: number;
  /** Gaps between presented frames of more than half a second. */
  gapsOver500Ms: number;
  /** Least frames presented in any second. */
  worstSecondFps: number;
  /** Largest presented, the one most frames had, and the one at the end. */
  resolution: { largest: string; usual: string; last: string; changes: number };
  glassToGlass: Distribution | null;
  /** Luma PSNR of presented frames against sent ones. */
  quality: Quality | null;
  packetsReceived: number;
  packetsLost: number;
  retransmitted: number;
  nacks: number;
  plis: number;
  keyframesDecoded: number;
  /** Complete, decoded, and decoded but not presented because a newer one was there already. */
  framesReceived: number;
  framesDecoded: number;
  framesDropped: number;
  /** Mean time of a frame in the jitter buffer, and the mean of what the buffer aims at. */
  jitterBufferMs: number;
  jitterBufferTargetMs: number;
}

export function viewerFigures({ viewing, beganAtMs, recording, glassToGlass, quality }: RealRun): ViewerFigures {
  const { durationMs } = recording;
  const { connectMs, firstFrameMs, inbound, presented } = viewing;
  const frames = presented.filter(({ atMs }) => atMs <= beganAtMs + durationMs);
  const gaps = gapsOf(viewing, beganAtMs, durationMs);
  const longest = gaps.reduce((most, gap) => (gap.gapMs > most.gapMs ? gap : most), { atMs: 0, gapMs: 0 });
  const emitted = Math.max(inbound['jitterBufferEmittedCount'] ?? 0, 1);
  const perFrame = (key: string): number => Math.round(((inbound[key] ?? 0) / emitted) * 1_000);
  return {
    connectMs: rounded(connectMs),
    firstFrameMs: rounded(firstFrameMs),
    framesPresented: frames.length,
    presentedFps: Math.round((frames.length / durationMs) * 10_000) / 10,
    freezes: inbound['freezeCount'] ?? 0,
    frozenMs: Math.round((inbound['totalFreezesDuration'] ?? 0) * 1_000),
    longestGapMs: Math.round(longest.gapMs),
    longestGapAtMs: Math.round(longest.atMs),
    gapsOver500Ms: gaps.filter(({ gapMs }) => gapMs > 500).length,
    worstSecondFps: worstSecond(frames, beganAtMs, durationMs),
    resolution: resolutionOf(frames),
    glassToGlass: glassToGlass ?? null,
    quality: quality ?? null,
    packetsReceived: inbound['packetsReceived'] ?? 0,
    packetsLost: inbound['packetsLost'] ?? 0,
    retransmitted: inbound['retransmittedPacketsReceived'] ?? 0,
    nacks: inbound['nackCount'] ?? 0,
    plis: inbound['pliCount'] ?? 0,
    keyframesDecoded: inbound['keyFramesDecoded'] ?? 0,
    framesReceived: inbound['framesReceived'] ?? 0,
    framesDecoded: inbound['framesDecoded'] ?? 0,
    framesDropped: inbound['framesDropped'] ?? 0,
    jitterBufferMs: perFrame('jitterBufferDelay'),
    jitterBufferTargetMs: perFrame('jitterBufferTargetDelay'),
  };
}

/**
 * From each presented frame to the next, the last one to the end of the scenario, on the scenario's clock; without any
 * frame one gap from start to end.
 */
export function gapsOf(
  { presented }: LinkViewing,
  beganAtMs: number,
  durationMs: number,
): { atMs: number; gapMs: number }[] {
  const times = presented.map(({ atMs }) => atMs - beganAtMs).filter((atMs) => atMs < durationMs);
  if (times.length === 0) return [{ atMs: 0, gapMs: durationMs }];
  return times.map((atMs, index) => ({ atMs, gapMs: (times[index + 1] ?? durationMs) - atMs }));
}

/** Of the whole seconds after the first. */
function worstSecond(frames: readonly PresentedFrame[], beganAtMs: number, durationMs: number): number {
  const seconds = new Uint32Array(Math.floor(durationMs / 1_000));
  for (const { atMs } of frames) {
    const second = Math.floor((atMs - beganAtMs) / 1_000);
    if (second in seconds) seconds[second]! += 1;
  }
  return seconds.length < 2 ? (seconds[0] ?? 0) : Math.min(...seconds.subarray(1));
}

function resolutionOf(frames: readonly PresentedFrame[]): ViewerFigures['resolution'] {
  const counts = new Map<string, number>();
  let changes = 0;
  let largest: PresentedFrame | undefined;
  let last: string | undefined;
  for (const frame of frames) {
    const size = nameOf(frame);
    counts.set(size, (counts.get(size) ?? 0) + 1);
    if (last !== undefined && size !== last) changes++;
    last = size;
    if (!largest || frame.widthPx > largest.widthPx) largest = frame;
  }
  const [usual] = [...counts].toSorted(([, a], [, b]) => b - a);
  return { largest: largest ? nameOf(largest) : 'none', usual: usual?.[0] ?? 'none', last: last ?? 'none', changes };
}

const nameOf = ({ widthPx, heightPx }: PresentedFrame): string => `${widthPx}x${heightPx}`;
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
