import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IN_FLIGHT_MAX } from '../../src/congestion/feedback/sent-packets.ts';
import { parseTwcc } from '../../src/congestion/feedback/twcc.ts';

describe('parseTwcc on hostile bytes', () => {
  it('never throws, and tells of exactly as many packets as announced', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const message = parseTwcc(bytes);
        expect(message?.offsetsUs.length ?? 0).toBeLessThanOrEqual(IN_FLIGHT_MAX);
        if (message) expect(message.offsetsUs).toHaveLength((bytes[2]! << 8) | bytes[3]!);
      }),
      { numRuns: 5_000 },
    );
  });
});
