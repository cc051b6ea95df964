import { describe, expect, it } from 'vitest';
import { ReceptionReport } from '../../../../src/transport/receive/reception-report.ts';

describe('ReceptionReport', () => {
  it('counts loss in total and since the last block, across the wrap', () => {
    const report = new ReceptionReport(1, 90_000);
    for (let index = 0; index < 100; index++)
      if (index % 4 !== 1) report.onPacket((65_500 + index) & 0xffff, index * 3_000, index * 33_333);
    expect(report.take(0)).toMatchObject({ fractionLost: 0.25, cumulativeLost: 25, highestSequence: 65_599 });
    report.onPacket((65_500 + 100) & 0xffff, 0, 0);
    expect(report.take(0)).toMatchObject({ fractionLost: 0, cumulativeLost: 25 });
  });

  it('has no jitter where packets come at their own pace, and the mean deviation where they do not', () => {
    const steady = new ReceptionReport(1, 90_000);
    const late = new ReceptionReport(1, 90_000);
    for (let index = 0; index < 2_000; index++) {
      steady.onPacket(index, index * 900, index * 10_000);
      late.onPacket(index, index * 900, index * 10_000 + (index % 2) * 1_000);
    }
    expect(steady.take(0)!.jitter).toBe(0);
    expect(late.take(0)!.jitter).toBeGreaterThanOrEqual(89);
    expect(late.take(0)!.jitter).toBeLessThanOrEqual(90);
  });

  it('has nothing to tell before the first packet', () => {
    expect(new ReceptionReport(1, 90_000).take(0)).toBeUndefined();
  });
});
