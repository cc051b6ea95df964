import { describe, expect, it } from 'vitest';
import { StillPicture } from '../../src/media/convergence.ts';

const FRAME_US = 100_000;
const bitrateBps = 200_000;
const ALLOWED_BYTES = bitrateBps / 8 / 10;

describe('StillPicture', () => {
  it('wants every fresh picture', () => {
    const sent = play([0, 1, 2, 3], () => ALLOWED_BYTES, { freshUntil: 4 });
    expect(sent).toEqual([0, 1, 2, 3]);
  });

  it('refines a still picture at full rate while refinements use what the rate allows', () => {
    const ticks = range(12);
    expect(play(ticks, () => ALLOWED_BYTES)).toEqual(ticks);
  });

  it('stops when the encoder has little to add, then repeats once a second', () => {
    const sent = play(range(60), (tick) => (tick < 10 ? ALLOWED_BYTES : ALLOWED_BYTES / 10));
    expect(sent).toEqual([...range(14), 23, 33, 43, 53]);
  });

  it('does not take one small unit after a keyframe for the end', () => {
    const sent = play(range(10), (tick) => (tick === 0 ? 4 * ALLOWED_BYTES : tick < 4 ? 50 : ALLOWED_BYTES));
    expect(sent).toEqual(range(10));
  });

  it('stops after two seconds even when the encoder finds more to spend on', () => {
    const sent = play(range(60), () => ALLOWED_BYTES);
    expect(sent).toEqual([...range(21), 30, 40, 50]);
  });

  it('starts over with the next fresh picture', () => {
    const still = new StillPicture();
    for (const tick of range(40)) {
      const nowUs = tick * FRAME_US;
      if (still.wants({ fresh: tick === 0, nowUs, bitrateBps })) still.onSent({ bytes: 10, nowUs });
    }
    expect(still.wants({ fresh: false, nowUs: 40 * FRAME_US, bitrateBps })).toBe(false);
    expect(still.wants({ fresh: true, nowUs: 41 * FRAME_US, bitrateBps })).toBe(true);
    still.onSent({ bytes: 10, nowUs: 41 * FRAME_US });
    expect(still.wants({ fresh: false, nowUs: 42 * FRAME_US, bitrateBps })).toBe(true);
  });
});

const range = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

/** The ticks of a tenth of a second at which something was sent; the picture is fresh at tick 0. */
function play(ticks: number[], bytesAt: (tick: number) => number, { freshUntil = 1 } = {}): number[] {
  const still = new StillPicture();
  return ticks.filter((tick) => {
    const nowUs = tick * FRAME_US;
    const wanted = still.wants({ fresh: tick < freshUntil, nowUs, bitrateBps });
    if (wanted) still.onSent({ bytes: bytesAt(tick), nowUs });
    return wanted;
  });
}
