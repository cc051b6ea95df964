import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annexB, nalUnits } from '../../src/media/encode/annex-b.ts';
import { ivfFrameHeader, ivfHeader, IvfReader } from '../../src/media/encode/ivf.ts';
import { ladder } from '../../src/picture/rungs.ts';

const evenSide = fc.integer({ min: 8, max: 2_048 }).map((half) => half * 2);

describe('ladder', () => {
  it('falls strictly, stays even and over 64 px below the first rung, and keeps the aspect to a pixel', () => {
    fc.assert(
      fc.property(evenSide, evenSide, (widthPx, heightPx) => {
        const [full, ...lower] = ladder({ widthPx, heightPx });
        expect(full!.widthPx % widthPx).toBe(0);
        expect(full!.widthPx * heightPx).toBe(full!.heightPx * widthPx);
        let above = full!;
        for (const rung of lower) {
          expect(rung.widthPx % 2).toBe(0);
          expect(rung.heightPx % 2).toBe(0);
          expect(Math.min(rung.widthPx, rung.heightPx)).toBeGreaterThanOrEqual(64);
          expect(rung.widthPx).toBeLessThan(above.widthPx);
          expect(rung.heightPx).toBeLessThan(above.heightPx);
          const scale = rung.widthPx / full!.widthPx;
          expect(Math.abs(rung.heightPx - full!.heightPx * scale)).toBeLessThanOrEqual(
            1 + full!.heightPx / full!.widthPx,
          );
          above = rung;
        }
      }),
    );
  });
});

describe('IVF', () => {
  it('is read the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.integer({ min: 1, max: 50 }), (frames, cut) => {
        const stream = Buffer.concat([
          ivfHeader({ fourcc: 'VP80', widthPx: 16, heightPx: 16, ticksHz: 90_000 }),
          ...frames.flatMap((frame, i) => [ivfFrameHeader(frame.length, i), frame]),
        ]);
        const reader = new IvfReader();
        const read: Uint8Array[] = [];
        for (let at = 0; at < stream.length; at += cut) read.push(...reader.push(stream.subarray(at, at + cut)));
        expect(read).toEqual(frames);
      }),
    );
  });
});

describe('Annex B', () => {
  it('gives back the NAL units it joined', () => {
    // Emulation prevention keeps start codes out of a unit, and its last byte is never zero (7.4.1).
    const unit = fc
      .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 30 })
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        expect(nalUnits(annexB(units))).toEqual(units);
      }),
    );
  });
});
