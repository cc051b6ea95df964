import { describe, expect, it } from 'vitest';
import { mediaTargetBps } from '../../../src/transport/pacing/pacing.ts';

describe('mediaTargetBps', () => {
  it('leaves everything to media where little is sent again', () => {
    expect(mediaTargetBps(1e6, 0)).toBe(1e6);
    expect(mediaTargetBps(1e6, 0.01)).toBe(1e6);
  });

  it('takes retransmissions out of the target, but never more than half of it', () => {
    expect(mediaTargetBps(1e6, 0.2)).toBeCloseTo(8.1e5);
    expect(mediaTargetBps(1e6, 0.9)).toBe(5e5);
  });
});
