/** The figures of a viewing made by hand. */
import { describe, expect, it } from 'vitest';
import { CapacitySchedule } from '../../../bench/link/capacity.ts';
import type { PresentedFrame } from '../../../bench/link/link-viewer.ts';
import { noCounts } from '../../../bench/link/relay.ts';
import type { RealRun } from '../../../bench/link/real-run.ts';
import { viewerFigures } from '../../../bench/link/viewer-figures.ts';

const BEGAN_AT_MS = 1_000_000;
const noLateness = { p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };

/** A run of five seconds. @param frames [ms on the scenario's clock, width] */
function runOf(frames: readonly (readonly [number, number])[], inbound: Record<string, number> = {}): RealRun {
  const presented = frames.map(([atMs, widthPx], frame): PresentedFrame => {
    return { frame, atMs: BEGAN_AT_MS + atMs, widthPx, heightPx: (widthPx * 9) / 16 };
  });
  return {
    recording: { durationMs: 5_000, capacity: new CapacitySchedule([{ fromUs: 0, bps: 1e6 }]), flows: [] },
    viewing: {
      connectMs: 50.4,
      firstFrameMs: 80.6,
      presented,
      patches: [],
      targets: [],
      server: null,
      inbound,
      remote: null,
    },
    beganAtMs: BEGAN_AT_MS,
    relay: {
      counts: { forward: noCounts(), backward: noCounts() },
      lateness: { forward: noLateness, backward: noLateness },
      clients: 1,
      address: { address: '127.0.0.1', port: 1 },
    },
    glassToGlass: undefined,
    quality: undefined,
  };
}

/** Ten a second from 0 to `untilMs`. */
const steady = (fromMs: number, untilMs: number): [number, number][] =>
  Array.from({ length: (untilMs - fromMs) / 100 }, (_, index) => [fromMs + index * 100, 640]);

describe('viewerFigures', () => {
  it('finds the longest gap and the worst second', () => {
    const figures = viewerFigures(runOf([...steady(0, 2_000), ...steady(2_800, 5_000)]));
    expect(figures).toMatchObject({
      framesPresented: 42,
      presentedFps: 8.4,
      longestGapMs: 900,
      longestGapAtMs: 1_900,
      gapsOver500Ms: 1,
      worstSecondFps: 2,
    });
  });

  it('counts a picture that stands until the end as a gap, and not what came after it', () => {
    const figures = viewerFigures(runOf([...steady(0, 4_000), [5_100, 640]]));
    expect(figures).toMatchObject({ framesPresented: 40, longestGapMs: 1_100, longestGapAtMs: 3_900 });
  });

  it('names the resolutions', () => {
    const figures = viewerFigures(runOf([...steady(0, 1_000), [1_100, 320], [1_200, 320], [1_300, 640]]));
    expect(figures.resolution).toEqual({ largest: '640x360', usual: '640x360', last: '640x360', changes: 2 });
  });

  it("takes freezes and the jitter buffer from the browser's counters", () => {
    const inbound = {
      freezeCount: 2,
      totalFreezesDuration: 0.75,
      jitterBufferDelay: 3,
      jitterBufferEmittedCount: 60,
    };
    expect(viewerFigures(runOf(steady(0, 5_000), inbound))).toMatchObject({
      connectMs: 50,
      firstFrameMs: 81,
      freezes: 2,
      frozenMs: 750,
      jitterBufferMs: 50,
      jitterBufferTargetMs: 0,
    });
  });

  it('has an answer for a viewer who saw nothing', () => {
    const run = runOf([]);
    const figures = viewerFigures({ ...run, viewing: { ...run.viewing, connectMs: null, firstFrameMs: null } });
    expect(figures).toMatchObject({ firstFrameMs: null, framesPresented: 0, worstSecondFps: 0, longestGapMs: 5_000 });
    expect(figures.resolution).toEqual({ largest: 'none', usual: 'none', last: 'none', changes: 0 });
  });
});
