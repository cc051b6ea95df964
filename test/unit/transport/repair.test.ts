import { describe, expect, it } from 'vitest';
import { copiesFor } from '../../../src/transport/repair.ts';

const ofPath = (lossRatio: number) => ({ lossRatio, queueMs: 5, competing: false });

/** How likely a packet is missing after so many rounds of requests. */
const missing = (lossRatio: number, rounds: number): number => {
  let copies = 0;
  let ratio = lossRatio;
  for (let round = 0; round < rounds; round++) {
    const more = copiesFor(copies, ofPath(lossRatio));
    ratio *= lossRatio ** more;
    copies += more;
  }
  return ratio;
};

describe('copiesFor', () => {
  it('answers by one copy where next to nothing is lost', () => {
    expect([0, 1, 2, 5].map((sent) => copiesFor(sent, ofPath(0.01)))).toEqual([1, 1, 1, 1]);
  });

  it('leaves one frame of seven packets in five hundred to a second round at 5% loss', () => {
    expect(7 * missing(0.05, 1)).toBeLessThan(1 / 500);
  });

  it('leaves as few to a third round at 20%', () => {
    expect(7 * missing(0.2, 2)).toBeLessThan(1 / 500);
  });

  it('adds nothing to a queue that overflows, unless others keep it filled', () => {
    const overflow = { lossRatio: 0.2, queueMs: 150, competing: false };
    expect(copiesFor(0, overflow)).toBe(1);
    expect(copiesFor(0, { ...overflow, competing: true })).toBe(2);
  });

  it('is bounded, whatever the path is said to lose', () => {
    for (const lossRatio of [0, 0.02, 0.5, 1]) expect(copiesFor(9, ofPath(lossRatio))).toBeLessThanOrEqual(3);
  });
});
