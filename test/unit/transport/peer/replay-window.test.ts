import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../../../src/transport/peer/srtp/replay-window.ts';

describe('a replay window', () => {
  it('lets each index pass once, in any order within the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (indices) => {
        const window = new ReplayWindow(64);
        const passed = new Set<number>();
        for (const index of indices) {
          const highest = passed.size === 0 ? -1 : Math.max(...passed);
          const expected = index > highest || (highest - index < 64 && !passed.has(index));
          expect(window.accept(index)).toBe(expected);
          if (expected) passed.add(index);
        }
      }),
    );
  });

  it('refuses what is before the beginning', () => {
    expect(new ReplayWindow(8).accept(-1)).toBe(false);
  });
});
