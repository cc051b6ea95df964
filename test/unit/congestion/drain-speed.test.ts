/** How the queue answers what is sent, read from the same packets at both ends. */
import { describe, expect, it } from 'vitest';
import { DrainSpeed } from '../../../src/congestion/delay/drain-speed.ts';

/** A second of packets that leave every `leftUs` and arrive every `cameUs`; the receiver's clock has its own origin. */
function ratioOf(leftUs: number, cameUs: number, speed = new DrainSpeed()): number {
  for (let packet = 0; packet * cameUs < 1_000_000; packet++) speed.add(packet * leftUs, 7e9 + packet * cameUs);
  return speed.ratio;
}

describe('DrainSpeed', () => {
  it('is one while packets arrive as they left', () => {
    expect(ratioOf(10_000, 10_000)).toBeCloseTo(1);
    expect(new DrainSpeed().ratio).toBe(1);
  });

  it('is two when half of what the queue serves goes in, and a half when twice as much does', () => {
    expect(ratioOf(20_000, 10_000)).toBeCloseTo(2);
    expect(ratioOf(5_000, 10_000)).toBeCloseTo(0.5);
  });

  it('takes no pause of the sender for a queue that drains', () => {
    const speed = new DrainSpeed();
    ratioOf(10_000, 10_000, speed);
    speed.add(5e6, 7e9 + 5e6);
    expect(speed.ratio).toBeCloseTo(1);
  });

  it('keeps no more than a moment, and forgets on reset', () => {
    const speed = new DrainSpeed();
    ratioOf(5_000, 10_000, speed);
    for (let packet = 0; packet < 300; packet++) speed.add(1e6 + packet * 20_000, 7e9 + 1e6 + packet * 10_000);
    expect(speed.ratio).toBeGreaterThan(1.9);
    speed.reset();
    expect(speed.ratio).toBe(1);
  });
});
