/** VP8 and H.264 over RTP: what goes in comes out of a strict depacketizer, in packets that fit and are of a size. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { annexB } from '../../src/media/encode/annex-b.ts';
import { packetizeH264 } from '../../src/transport/rtp/h264.ts';
import { packetizeVp8, VP8_DESCRIPTOR_BYTES } from '../../src/transport/rtp/vp8.ts';
import { depacketizeH264, depacketizeVp8, joinedPayloads } from '../support/depacketizer.ts';

const payloadMaxBytes = fc.integer({ min: 20, max: LIMITS.rtpPayloadMaxBytes });
const spread = (payloads: readonly Uint8Array[]): number => {
  const sizes = payloads.map((payload) => payload.length);
  return Math.max(...sizes) - Math.min(...sizes);
};

describe('packetizeVp8', () => {
  it('gives back every frame, in packets that fit and differ by one byte at most', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20_000 }), fc.nat(), payloadMaxBytes, (frame, id, max) => {
        const payloads = joinedPayloads(packetizeVp8(frame, id, max));
        expect(depacketizeVp8(payloads)).toEqual({ frame, pictureId: id & 0x7fff });
        expect(payloads.every((payload) => payload.length <= max)).toBe(true);
        expect(payloads).toHaveLength(Math.ceil(frame.length / (max - VP8_DESCRIPTOR_BYTES)));
        expect(spread(payloads)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

/** A unit never ends in zero, and these never hold a start code. */
const unit = (type: number) =>
  fc.uint8Array({ min: 1, maxLength: 5_000 }).map((body) => Uint8Array.from([0x60 | type, ...body]));

describe('packetizeH264', () => {
  const units = fc
    .tuple(
      fc.constantFrom(7, 1).chain(unit),
      fc.constantFrom(8, 1).chain(unit),
      fc.array(fc.constantFrom(1, 5, 6).chain(unit)),
    )
    .map(([first, second, rest]) => [first, second, ...rest]);

  it('gives back every NAL unit in packets that fit', () => {
    fc.assert(
      fc.property(units, payloadMaxBytes, (nals, max) => {
        const payloads = joinedPayloads(packetizeH264(annexB(nals), max));
        expect(depacketizeH264(payloads)).toEqual(nals);
        expect(payloads.every((payload) => payload.length <= max)).toBe(true);
      }),
    );
  });

  it('sends SPS and PPS in one packet and cuts the picture evenly', () => {
    const sps = Uint8Array.of(0x67, 1, 2, 3);
    const pps = Uint8Array.of(0x68, 4);
    const picture = new Uint8Array(5_000).fill(9);
    picture[0] = 0x65;
    const [sets, ...fragments] = joinedPayloads(packetizeH264(annexB([sps, pps, picture]), 1_120));
    expect(sets![0]! & 31).toBe(24);
    expect(fragments).toHaveLength(5);
    expect(spread(fragments)).toBeLessThanOrEqual(1);
  });

  it('leaves out access unit delimiters and filler', () => {
    const payloads = joinedPayloads(
      packetizeH264(annexB([Uint8Array.of(9, 0xf0), Uint8Array.of(0x65, 7), Uint8Array.of(12, 255)]), 1_120),
    );
    expect(payloads).toEqual([Uint8Array.of(0x65, 7)]);
  });

  it('makes nothing of bytes without a start code', () => {
    expect(packetizeH264(Uint8Array.of(1, 2, 3), 1_120)).toEqual([]);
  });
});
