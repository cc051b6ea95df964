import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import { warmUp } from '../../src/startup/warm-up.ts';
import { VirtualTime } from '../../bench/link/virtual-time.ts';
import { SkippingClock } from '../support/clock-at.ts';

function starting(failures: number, code: 'GENERATOR_DOWN' | 'WORKFLOW_INVALID' = 'GENERATOR_DOWN') {
  const generator = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 20 });
  let left = failures;
  generator.warmUp = () => (left-- > 0 ? Promise.reject(new GlimpseError(code)) : Promise.resolve());
  const missing = new Set<'encoder' | 'model'>(['encoder', 'model']);
  const clock = new SkippingClock();
  const ending = new AbortController();
  const options = {
    generator,
    createEncoder: encoderFactory('auto'),
    missing,
    waits: true,
    onWaiting: () => {},
    signal: ending.signal,
    clock,
  };
  return { options, missing, pauses: clock.waitsMs, ending };
}

describe('a generator that is started after the service', () => {
  it('is waited for, with growing pauses', async () => {
    const { options, missing, pauses } = starting(7);
    await warmUp(options);
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(missing.size).toBe(0);
  });

  it('is not waited for where it is no server, nor for what waiting does not change', async () => {
    await expect(warmUp({ ...starting(1).options, waits: false })).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    await expect(warmUp(starting(1, 'WORKFLOW_INVALID').options)).rejects.toMatchObject({ code: 'WORKFLOW_INVALID' });
  });

  it('is no longer waited for when the service ends', async () => {
    const { options, ending } = starting(1_000);
    const clock = new VirtualTime();
    const waiting = warmUp({ ...options, clock, onWaiting: () => ending.abort() });
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
