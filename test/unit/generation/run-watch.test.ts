/** When a run of the model counts as hanging. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunWatch } from '../../../src/generation/onnx/process/run-watch.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function watched() {
  let hangs = 0;
  const watch = new RunWatch(() => (hangs += 1));
  return { watch, hangs: () => hangs };
}

describe('a run', () => {
  it('hangs once, when it has taken four times the usual', () => {
    const { watch, hangs } = watched();
    watch.onRun('denoiser', 1, 400);
    watch.begin('denoiser', 1);
    vi.advanceTimersByTime(1_500);
    expect(hangs()).toBe(0);
    vi.advanceTimersByTime(60_000);
    expect(hangs()).toBe(1);
  });

  it('has a second however fast it usually is, more in a batch, and a minute the first time', () => {
    const { watch } = watched();
    expect(watch.limitMs('decoder', 1)).toBe(60_000);
    watch.onRun('decoder', 2, 4);
    expect(watch.limitMs('decoder', 1)).toBe(1_000);
    expect(watch.limitMs('decoder', 1_000)).toBe(8_000);
  });

  it('has twice as long after one that hung, until others show what is usual', () => {
    const { watch } = watched();
    watch.onRun('refiner', 1, 500);
    watch.begin('refiner', 1);
    vi.advanceTimersByTime(10_000);
    expect(watch.limitMs('refiner', 1)).toBe(4_000);
    for (let run = 0; run < 20; run++) watch.onRun('refiner', 1, 500);
    expect(watch.limitMs('refiner', 1)).toBeLessThan(2_100);
  });

  it('that ends in time does not hang', () => {
    const { watch, hangs } = watched();
    watch.onRun('denoiser', 1, 10);
    watch.begin('denoiser', 1);
    vi.advanceTimersByTime(900);
    watch.stop();
    vi.advanceTimersByTime(60_000);
    expect(hangs()).toBe(0);
  });

  it('does not hang because the machine slept', () => {
    const { watch, hangs } = watched();
    watch.onRun('denoiser', 1, 10);
    watch.begin('denoiser', 1);
    vi.advanceTimersByTime(300);
    // The clock has moved on, and no timer has run.
    const woken = performance.now() + 3_600_000;
    vi.spyOn(performance, 'now').mockReturnValue(woken);
    vi.advanceTimersToNextTimer();
    vi.restoreAllMocks();
    expect(hangs()).toBe(0);
    watch.stop();
  });
});
