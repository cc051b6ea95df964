/** The send path of one viewer over a whole link, in virtual time. */
import { describe, expect, it } from 'vitest';
import { runSender } from '../../support/sender-run.ts';

/** Capture to complete arrival of each frame, in ms, ascending. */
const delay = (run: ReturnType<typeof runSender>): number[] =>
  run.frames
    .flatMap((frame) => (frame.doneMs === undefined ? [] : [frame.doneMs - frame.captureMs]))
    .toSorted((a, b) => a - b);

describe('VideoSender over a link', () => {
  it('fills 2 Mbps without loss, every frame whole and in time', () => {
    const link = { capacity: [{ fromUs: 0, bps: 2e6 }], delayUs: 30_000, queueUs: 300_000 };
    const run = runSender({ link, seconds: 20 });
    const settled = run.samples.filter((sample) => sample.atMs >= 3_000);
    const target = settled.reduce((sum, { stats }) => sum + stats.targetBps, 0) / settled.length;
    expect(target).toBeGreaterThan(1.6e6);
    expect(run.frames.slice(0, -2).every((frame) => frame.doneMs !== undefined)).toBe(true);
    expect(delay(run).at(-1)).toBeLessThan(250);
    expect(run.stats).toMatchObject({ droppedFrames: 0, nacks: 0 });
    expect(run.stats.rttMs).toBeCloseTo(60, 0);
    expect(run.keyframesAsked).toEqual([]);
  });

  it('mends 5% random loss by retransmission alone', () => {
    const link = { capacity: [{ fromUs: 0, bps: 2e6 }], delayUs: 40_000, queueUs: 300_000, lossRatio: 0.05 };
    const run = runSender({ link, seconds: 20 });
    const whole = run.frames.slice(0, -10).filter((frame) => frame.doneMs !== undefined).length;
    expect(whole / (run.frames.length - 10)).toBeGreaterThan(0.98);
    expect(run.stats.retransmitted).toBeGreaterThan(100);
    expect(run.stats.targetBps).toBeGreaterThan(1.4e6);
    expect(run.keyframesAsked).toEqual([]);
  });

  it('recovers from a drop to a quarter with at most two keyframes', () => {
    const capacity = [
      { fromUs: 0, bps: 2e6 },
      { fromUs: 8e6, bps: 0.5e6 },
    ];
    const run = runSender({ link: { capacity, delayUs: 30_000, queueUs: 300_000 }, seconds: 16 });
    const late = run.samples.filter((sample) => sample.atMs >= 10_000);
    expect(Math.max(...late.map((sample) => sample.queueMs))).toBeLessThan(120);
    expect(run.keyframesAsked.length).toBeLessThanOrEqual(2);
    const after = run.frames.filter((frame) => frame.captureMs > 10_000 && frame.captureMs < 15_000);
    expect(after.filter((frame) => frame.doneMs !== undefined).length / after.length).toBeGreaterThan(0.95);
  });

  it('has the viewer hold pictures back for a round trip under loss, and not at all on a path that loses nothing', () => {
    const link = { capacity: [{ fromUs: 0, bps: 2e6 }], delayUs: 40_000, queueUs: 300_000 };
    const asked = (lossRatio: number): number[] =>
      runSender({ link: { ...link, lossRatio }, seconds: 10 }).path.rtp.map(({ playoutDelayMs }) => playoutDelayMs!);
    expect(new Set(asked(0))).toEqual(new Set([0]));
    expect(asked(0.05).at(-1)).toBeGreaterThanOrEqual(80);
  });

  it('takes the losses of a drop of capacity for what they are', () => {
    const capacity = [
      { fromUs: 0, bps: 2e6 },
      { fromUs: 8e6, bps: 0.5e6 },
    ];
    const run = runSender({ link: { capacity, delayUs: 30_000, queueUs: 300_000 }, seconds: 16 });
    expect(run.path.retransmissions.length).toBeGreaterThan(0);
    expect(Math.max(...run.path.rtp.map(({ playoutDelayMs }) => playoutDelayMs!))).toBe(0);
  });

  it('answers a request by two copies where the path loses many, and elsewhere by one', () => {
    const link = { capacity: [{ fromUs: 0, bps: 2e6 }], delayUs: 40_000, queueUs: 300_000 };
    const copiesOfEach = (lossRatio: number): number => {
      const { retransmissions } = runSender({ link: { ...link, lossRatio }, seconds: 10, fps: 30 }).path;
      const originals = retransmissions.map(({ payload }) => (payload[0]! << 8) | payload[1]!);
      return originals.length / new Set(originals).size;
    };
    expect(copiesOfEach(0.05)).toBeGreaterThan(1.7);
    expect(copiesOfEach(0.002)).toBe(1);
  });

  it('sends the same packets for the same seed', () => {
    const link = { capacity: [{ fromUs: 0, bps: 1e6 }], delayUs: 30_000, queueUs: 300_000, lossRatio: 0.02 };
    const sums = [1, 2].map(() =>
      runSender({ link, seconds: 5 }).path.rtp.map(({ sequenceNumber, sizeBytes }) => [sequenceNumber, sizeBytes]),
    );
    expect(sums[0]).toEqual(sums[1]);
  });
});
