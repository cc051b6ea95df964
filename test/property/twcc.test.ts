/** Transport-wide feedback: what a receiver writes is what we read, for every chunk form, across both wraparounds. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance16, SequenceUnwrapper, unwrap16, unwrapBits } from '../../src/congestion/feedback/sequence.ts';
import { parseTwcc, TwccReader } from '../../src/congestion/feedback/twcc.ts';
import { encodeTwcc, type ChunkStyle } from '../../bench/support/wire/twcc-encoder.ts';

const style = fc.constantFrom<ChunkStyle>('run', 'oneBit', 'twoBit');
/** Gaps between arrivals in 250 µs units; negative: reordered; undefined: lost. */
const gaps = fc.array(fc.option(fc.integer({ min: -2_000, max: 30_000 }), { nil: undefined }), {
  minLength: 1,
  maxLength: 300,
});

const arrivalsOf = (baseSequence: number, startUs: number, ticks: readonly (number | undefined)[]) => {
  let nowUs = startUs;
  return ticks.map((gap, index) => {
    if (gap !== undefined) nowUs += gap * 250;
    return { sequence: baseSequence + index, arrivedAtUs: gap === undefined ? undefined : nowUs };
  });
};

describe('TwccReader', () => {
  it('reads back every arrival', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), gaps, style, (base, ticks, chunkStyle) => {
        const arrivals = arrivalsOf(base, 1_000_000_000, ticks);
        const feedback = new TwccReader().read(encodeTwcc(arrivals, { style: chunkStyle }), base + ticks.length);
        expect(feedback!.packets).toEqual(arrivals);
      }),
    );
  });

  it('keeps one clock while the 24-bit reference time wraps', () => {
    const wrapUs = 2 ** 24 * 64_000;
    const reader = new TwccReader();
    const read = (atUs: number) =>
      reader.read(encodeTwcc([{ sequence: 1, arrivedAtUs: atUs }]), 1)!.packets[0]!.arrivedAtUs!;
    const before = read(wrapUs - 64_000);
    expect(read(wrapUs + 64_000) - before).toBe(128_000);
  });

  it('keeps counting while the 16-bit sequence wraps', () => {
    const reader = new TwccReader();
    const feedback = reader.read(encodeTwcc(arrivalsOf(65_534, 0, [0, 1, 1, 1])), 65_540)!;
    expect(feedback.packets.map((packet) => packet.sequence)).toEqual([65_534, 65_535, 65_536, 65_537]);
  });

  it('returns undefined for every truncation', () => {
    const bytes = encodeTwcc(arrivalsOf(3, 0, [0, undefined, 3, 900, undefined, 2]), { style: 'twoBit' });
    for (let length = 0; length < bytes.length; length++) expect(parseTwcc(bytes.subarray(0, length))).toBeUndefined();
  });
});

describe('sequence numbers', () => {
  it('unwraps any run whose steps stay below half the range', () => {
    fc.assert(
      fc.property(fc.nat(65_535), fc.array(fc.integer({ min: -1_000, max: 30_000 })), (start, steps) => {
        const unwrapper = new SequenceUnwrapper();
        let highest = start;
        expect(unwrapper.unwrap(start)).toBe(start);
        for (const step of steps) {
          expect(unwrapper.unwrap((highest + step) & 0xffff)).toBe(highest + step);
          highest = Math.max(highest, highest + step);
        }
      }),
    );
  });

  it('compares across the wrap', () => {
    expect([distance16(65_530, 2), distance16(2, 65_530)]).toEqual([8, -8]);
    expect(unwrap16(65_530, 65_536)).toBe(65_530);
    expect(unwrapBits(0, 2 ** 24 - 1, 24)).toBe(2 ** 24);
  });
});
