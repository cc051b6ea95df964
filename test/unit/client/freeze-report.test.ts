import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportFreezes, type FreezeReport } from '../../../src/client/freeze-report.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const stats = (freezeCount: number, totalFreezesDuration: number) =>
  new Map([['v', { type: 'inbound-rtp', freezeCount, totalFreezesDuration }]]) as unknown as RTCStatsReport;

describe('what a viewer reports of freezes', () => {
  it('is what came since its last report, and nothing while nothing froze', async () => {
    const readings = [stats(0, 0), stats(2, 0.9), stats(2, 0.9), stats(3, 1.2)];
    const sent: FreezeReport[] = [];
    const stop = reportFreezes(
      async () => readings.shift(),
      (report) => sent.push(report),
    );
    await vi.advanceTimersByTimeAsync(25_000);
    stop();
    expect(sent).toEqual([
      { type: 'report', freezes: 2, frozenMs: 900 },
      { type: 'report', freezes: 1, frozenMs: 300 },
    ]);
  });

  it('begins anew with a new connection, and keeps within what the server takes', async () => {
    const readings = [stats(5, 1), stats(1, 0.2), stats(900, 900)];
    const sent: FreezeReport[] = [];
    const stop = reportFreezes(
      async () => readings.shift(),
      (report) => sent.push(report),
    );
    await vi.advanceTimersByTimeAsync(15_000);
    stop();
    expect(sent.map(({ freezes, frozenMs }) => [freezes, frozenMs])).toEqual([
      [5, 1000],
      [1, 200],
      [100, 60_000],
    ]);
  });
});
