import { describe, expect, it } from 'vitest';
import { LibavEncoder } from '../../src/media/encode/libav-encoder.ts';
import { FrameTime } from '../../src/media/encode/frame-time.ts';
import { MovingTexture } from '../../bench/moving-texture.ts';

const FRAME_MS = 1_000 / 30;

describe('FrameTime', () => {
  it('gives each of punctual frames its interval', () => {
    const time = new FrameTime();
    for (let index = 0; index < 10; index++) expect(time.next(FRAME_MS, FRAME_MS, false)).toBeCloseTo(FRAME_MS, 9);
  });

  it('spreads what a frame was late by, and gives no more and no less than has passed', () => {
    const time = new FrameTime();
    let given = 0;
    for (let index = 0; index < 100; index++) {
      const sinceMs = index === 0 ? 2 * FRAME_MS : FRAME_MS;
      const givenMs = time.next(sinceMs, FRAME_MS, false);
      expect(givenMs).toBeLessThan(1.1 * FRAME_MS);
      given += givenMs;
    }
    expect(given).toBeCloseTo(101 * FRAME_MS, 2);
  });

  it('makes frames that come in turn early and late all alike', () => {
    const time = new FrameTime();
    const given = Array.from({ length: 60 }, (_, index) => time.next(index % 2 === 0 ? 33 : 67, 50, false));
    for (const givenMs of given.slice(20)) expect(Math.abs(givenMs - 50)).toBeLessThan(4);
  });

  it('does not make up for a pause, and offers a keyframe all of it', () => {
    const time = new FrameTime();
    let given = 0;
    for (let index = 0; index < 100; index++) given += time.next(index === 0 ? 1_000 : FRAME_MS, FRAME_MS, false);
    expect(given).toBeLessThan(100 * FRAME_MS + 101);
    expect(time.next(1_000, FRAME_MS, true)).toBe(1_000);
  });

  it('does not give frames that keep coming too fast more than has passed', () => {
    const time = new FrameTime();
    let given = 0;
    for (let index = 0; index < 100; index++) given += time.next(FRAME_MS / 2, FRAME_MS, false);
    expect(given).toBeLessThan(50 * FRAME_MS + 2.5 * FRAME_MS);
  });

  it('keeps a late frame at its share of bits: libvpx told the plain time spends three times that', async () => {
    const texture = new MovingTexture({ widthPx: 320, heightPx: 180, seed: 1 });
    const bitrateBps = 300_000;
    await using encoder = await LibavEncoder.open({ codec: 'VP8', widthPx: 320, heightPx: 180, fps: 30, bitrateBps });
    const time = new FrameTime();
    const bytes: number[] = [];
    for (let index = 0; index < 91; index++) {
      const keyframe = index === 0;
      const durationMs = time.next(index === 90 ? FRAME_MS + 20 : FRAME_MS, FRAME_MS, keyframe);
      const unit = await encoder.encode(texture.frame(index), { keyframe, bitrateBps, durationMs });
      bytes.push(unit.data.length);
    }
    const usual = bytes.slice(60, 90).reduce((sum, each) => sum + each, 0) / 30;
    expect(bytes[90]! / usual).toBeLessThan(1.5);
  });
});
