import { describe, expect, it } from 'vitest';
import { PlayoutReserve } from '../../../src/transport/playout-reserve.ts';

const FRAME_US = 33_333;

/** Thirty frames a second; `lateMs` says by how much each frame's last copy is late, 0: nothing was lost. */
function watch(reserve: PlayoutReserve, seconds: number, lateMs: (frame: number) => number, from = 0): number[] {
  const reserves: number[] = [];
  for (let frame = from; frame < from + seconds * 30; frame++) {
    const nowUs = frame * FRAME_US;
    reserve.onFrame(frame, nowUs);
    const late = lateMs(frame);
    if (late > 0) reserve.onRepair(frame, late * 1_000, nowUs + late * 1_000);
    reserves.push(reserve.ms);
  }
  return reserves;
}

describe('PlayoutReserve', () => {
  it('asks for nothing on a path that loses nothing', () => {
    expect(new Set(watch(new PlayoutReserve(), 20, () => 0))).toEqual(new Set([0]));
  });

  it('covers a round trip but for a frame within a second and a half of losses that keep coming', () => {
    const reserves = watch(new PlayoutReserve(), 5, (frame) => (frame % 4 === 0 ? 90 : 0));
    expect(reserves[45]).toBe(50);
    expect(Math.max(...reserves)).toBe(50);
  });

  it('does not grow for the few that need a second retransmission', () => {
    const lateMs = (frame: number): number => (frame % 50 === 0 ? 250 : frame % 4 === 0 ? 90 : 0);
    expect(watch(new PlayoutReserve(), 20, lateMs).at(-1)).toBe(50);
  });

  it('covers the second retransmission where many need it', () => {
    const lateMs = (frame: number): number => (frame % 4 === 0 ? 190 : 90);
    expect(watch(new PlayoutReserve(), 20, lateMs).at(-1)).toBe(150);
  });

  it('leaves one burst alone: it is over before a reserve could help', () => {
    const reserves = watch(new PlayoutReserve(), 20, (frame) => (frame >= 30 && frame < 36 ? 300 : 0));
    expect(new Set(reserves)).toEqual(new Set([0]));
  });

  it('holds nothing back for what is late by less than anyone sees', () => {
    expect(new Set(watch(new PlayoutReserve(), 10, () => 35))).toEqual(new Set([0]));
  });

  it('accepts a rare loss as it comes', () => {
    const reserves = watch(new PlayoutReserve(), 30, (frame) => (frame % 60 === 0 ? 90 : 0));
    expect(new Set(reserves)).toEqual(new Set([0]));
  });

  it('is gone some seconds after the last loss, and does not flap on the way', () => {
    const reserve = new PlayoutReserve();
    watch(reserve, 5, (frame) => (frame % 4 === 0 ? 90 : 0));
    const after = watch(reserve, 20, () => 0, 5 * 30);
    expect(after[5 * 30]).toBeGreaterThan(0);
    expect(after.at(-1)).toBe(0);
    expect(after.filter((ms, index) => index > 0 && ms !== after[index - 1])).toHaveLength(1);
  });

  it('grows in steps that do not stop the picture', () => {
    const reserves = watch(new PlayoutReserve(), 5, () => 290);
    const steps = reserves.flatMap((ms, index) => (index > 0 && ms !== reserves[index - 1] ? [index] : []));
    expect(reserves.at(-1)).toBe(250);
    for (const at of steps) expect(reserves[at]! - reserves[at - 1]!).toBeLessThanOrEqual(50);
    for (const [index, at] of steps.slice(1).entries()) expect(at - steps[index]!).toBeGreaterThanOrEqual(6);
  });

  it('stays within its bounds and its steps, however late copies are', () => {
    const reserves = watch(new PlayoutReserve(), 5, (frame) => 1 + ((frame * 7919) % 5_000));
    for (const ms of reserves) {
      expect(ms % 10).toBe(0);
      expect(ms).toBeLessThanOrEqual(400);
    }
  });

  it('knows nothing of frames it was never told of', () => {
    const reserve = new PlayoutReserve();
    for (let copy = 0; copy < 50; copy++) reserve.onRepair(copy, 100_000, copy * 300_000);
    expect(reserve.ms).toBe(0);
  });
});
