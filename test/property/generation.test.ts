import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { paintBarCode, readBarCode } from '../../src/generation/pattern/bar-code.ts';
import { tokenize } from '../../src/generation/onnx/model/tokenizer.ts';
import { normalizePrompt } from '../../src/generation/prompt/prompt.ts';
import { sliceCount, sliceStartMs } from '../../src/generation/slices/schedule.ts';
import { i420Bytes } from '../../src/picture/frame.ts';

const RULES = { buckets: 4096, maxWords: 28, featuresPerWord: 6 };
const text = fc.string({ unit: 'binary', maxLength: 200 });
const evenSide = fc.integer({ min: 32, max: 400 }).map((half) => half * 2);

describe('tokenizer', () => {
  it('gives ids of the table for any text, rows filled from the left', () => {
    fc.assert(
      fc.property(text, (prompt) => {
        const ids = [...tokenize(prompt, RULES)].map(Number);
        expect(ids).toHaveLength(168);
        expect(ids.every((id) => id >= 0 && id < 4096)).toBe(true);
        const padded = ids.map((id, index) => index % 6 > 0 && id > 0 && ids[index - 1] === 0);
        expect(padded).not.toContain(true);
      }),
    );
  });

  it('does not see case, hyphens or white space', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 28 }), (words) => {
        expect(tokenize(words.join(' '), RULES)).toEqual(tokenize(` ${words.join('-').toUpperCase()}! `, RULES));
      }),
    );
  });
});

describe('normalizePrompt', () => {
  it('gives a clean line that normalises to itself, or an error with a code', () => {
    fc.assert(
      fc.property(text, (prompt) => {
        try {
          const line = normalizePrompt(prompt);
          expect(normalizePrompt(line)).toBe(line);
          expect(line).toMatch(/^\S(?:[^\p{Cc}]*\S)?$/u);
        } catch (error) {
          if (!(error instanceof GlimpseError)) throw error;
          expect(error.code).toBe('PROMPT_EMPTY');
        }
      }),
    );
  });
});

describe('bar code', () => {
  it('reads back what was painted, at any even size', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), evenSide, evenSide, (number, widthPx, heightPx) => {
        const data = new Uint8Array(i420Bytes(widthPx, heightPx)).fill(128);
        paintBarCode({ widthPx, heightPx, data }, number);
        expect(readBarCode(data, widthPx, heightPx)).toBe(number);
      }),
    );
  });

  it('reads nothing from a plain picture', () => {
    fc.assert(
      fc.property(fc.nat(255), evenSide, evenSide, (luma, widthPx, heightPx) => {
        expect(readBarCode(new Uint8Array(widthPx * heightPx).fill(luma), widthPx, heightPx)).toBeUndefined();
      }),
    );
  });

  it('notices one damaged block', () => {
    const widthPx = 320;
    const heightPx = 180;
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(19), (number, block) => {
        const data = new Uint8Array(i420Bytes(widthPx, heightPx));
        paintBarCode({ widthPx, heightPx, data }, number);
        for (let row = 0; row < 15; row++) {
          const at = row * widthPx + block * 16;
          data.fill(data[at] === 16 ? 235 : 16, at, at + 16);
        }
        expect(readBarCode(data, widthPx, heightPx)).toBeUndefined();
      }),
    );
  });
});

describe('slices', () => {
  it('of a clip cover it and none is to spare', () => {
    const length = fc.record({ frames: fc.integer({ min: 1, max: 64 }), fps: fc.integer({ min: 1, max: 120 }) });
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 60, noNaN: true }), length, (seconds, slice) => {
        const count = sliceCount(seconds, slice);
        expect(sliceStartMs(count, slice)).toBeGreaterThanOrEqual(seconds * 1000 - 0.001);
        expect(sliceStartMs(count - 1, slice)).toBeLessThan(seconds * 1000);
      }),
    );
  });
});
