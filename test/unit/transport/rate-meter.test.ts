import { describe, expect, it } from 'vitest';
import { RateMeter } from '../../../src/transport/pacing/rate-meter.ts';

describe('RateMeter', () => {
  it.each([12, 25, 30])('reads %i frames a second as that, at any instant after the first', (fps) => {
    const meter = new RateMeter();
    const readings: number[] = [];
    for (let frame = 0; frame < fps * 5; frame++) {
      const nowUs = (frame * 1e6) / fps + 3;
      meter.add(1, nowUs);
      if (nowUs > 1.2e6) readings.push(meter.perSecond(nowUs + 40_000));
    }
    expect(Math.min(...readings)).toBeGreaterThanOrEqual(fps - 1);
    expect(Math.max(...readings)).toBeLessThanOrEqual(fps + 1);
    const mean = readings.reduce((sum, reading) => sum + reading, 0) / readings.length;
    expect(mean).toBeCloseTo(fps, 1);
  });

  it('falls to nothing a second after the last', () => {
    const meter = new RateMeter();
    meter.add(8_000, 0);
    expect(meter.perSecond(500_000)).toBe(8_000);
    expect(meter.perSecond(1_200_000)).toBe(0);
  });
});
