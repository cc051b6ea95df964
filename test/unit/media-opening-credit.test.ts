import { describe, expect, it } from 'vitest';
import { OpeningCredit } from '../../src/media/encode/opening-credit.ts';

const frame = { bitrateBps: 240_000, durationMs: 100 };
/** What a frame of that costs at its rate. */
const SHARE_BYTES = 3_000;

describe('OpeningCredit', () => {
  it('adds nothing for an encoder that spends what it may', () => {
    const credit = new OpeningCredit();
    for (let times = 0; times < 10; times++) {
      expect(credit.factor).toBe(1);
      credit.spent(SHARE_BYTES, frame);
    }
  });

  it('hands back what the first frames leave, within bounds', () => {
    const credit = new OpeningCredit();
    credit.spent(SHARE_BYTES / 2, frame);
    expect(credit.factor).toBeCloseTo(1.1);
    for (let times = 0; times < 10; times++) credit.spent(0, frame);
    expect(credit.factor).toBe(1.6);
  });

  it('takes nothing away after a large keyframe', () => {
    const credit = new OpeningCredit();
    credit.spent(10 * SHARE_BYTES, frame);
    expect(credit.factor).toBe(1);
  });

  it('leaves an encoder alone once it has settled', () => {
    const credit = new OpeningCredit();
    for (let times = 0; times < 15; times++) credit.spent(SHARE_BYTES / 2, frame);
    expect(credit.factor).toBe(1);
  });
});
