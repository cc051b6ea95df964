import { describe, expect, it } from 'vitest';
import { backoffMs, pause } from '../../../src/client/connection/backoff.ts';

describe('backoff', () => {
  it('doubles until five seconds, and never waits less than half of it', () => {
    expect([0, 1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, 1))).toEqual([
      200, 400, 800, 1600, 3200, 5000, 5000,
    ]);
    expect(backoffMs(2, 0)).toBe(400);
  });

  it('ends a pause when the signal aborts', async () => {
    const controller = new AbortController();
    const waiting = pause(60_000, controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
  });
});
