import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRtcp } from '../../src/transport/rtcp/rtcp.ts';
import { rtcpPacket } from '../../bench/support/wire/rtcp-builder.ts';

const bytes = fc.uint8Array({ maxLength: 120 });
/** Headers that make sense over bodies that need not. */
const framed = fc
  .tuple(fc.integer({ min: 199, max: 208 }), fc.nat(31), fc.array(fc.nat(255), { maxLength: 80 }), fc.boolean())
  .map(([packetType, count, body, padded]) => {
    const packet = rtcpPacket(packetType, count, body);
    if (padded) packet[0]! |= 0x20;
    return packet;
  });

describe('parseRtcp on hostile bytes', () => {
  it('never throws', () => {
    fc.assert(
      fc.property(bytes, (packet) => {
        parseRtcp(packet);
      }),
      { numRuns: 5_000 },
    );
  });

  it('never throws on well-framed nonsense, and reads each packet at most once', () => {
    fc.assert(
      fc.property(fc.array(framed, { maxLength: 4 }), bytes, (packets, tail) => {
        const compound = Uint8Array.from([...packets.flatMap((packet) => [...packet]), ...tail]);
        expect(parseRtcp(compound).length).toBeLessThanOrEqual(compound.length / 4);
      }),
      { numRuns: 5_000 },
    );
  });
});
