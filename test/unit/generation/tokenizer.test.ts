import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/generation/onnx/model/crc32.ts';
import { splitWords, tokenize } from '../../../src/generation/onnx/model/tokenizer.ts';

const RULES = { buckets: 4096, maxWords: 28, featuresPerWord: 6 };

const rows = (prompt: string): number[][] => {
  const ids = [...tokenize(prompt, RULES)].map(Number);
  const all = Array.from({ length: RULES.maxWords }, (_, row) => ids.slice(row * 6, row * 6 + 6));
  return all.filter((row) => row.some((id) => id !== 0));
};

describe('words', () => {
  it.each([
    ['red ball,sea,night', ['red', 'ball', 'sea', 'night']],
    ['red/blue;(sea)', ['red', 'blue', 'sea']],
    ["all'alba 'night'", ["all'alba", 'night']],
  ])('of %s', (prompt, words) => {
    expect(splitWords(prompt)).toEqual(words);
  });
});

describe('tokenizer', () => {
  // Ids computed with the training code (Python, zlib.crc32).
  it.each([
    [
      'a red ball',
      [
        [3398, 3551, 0, 0, 0, 0],
        [2883, 4074, 1696, 2098, 0, 0],
        [1988, 1296, 354, 928, 2027, 0],
      ],
    ],
    [
      'Snow-covered mountains, at "Night"!',
      [
        [899, 1206, 3806, 3627, 2886, 0],
        [2535, 2554, 3370, 2002, 1696, 2098],
        [658, 2043, 2175, 2939, 754, 1025],
        [3998, 1266, 298, 0, 0, 0],
        [1687, 3336, 2586, 1965, 2523, 2506],
      ],
    ],
    [
      'café 10 —',
      [
        [271, 1115, 450, 3425, 7, 0],
        [2273, 3247, 4009, 0, 0, 0],
        [76, 1805, 0, 0, 0, 0],
      ],
    ],
    [
      '(…) hello... world',
      [
        [3497, 3361, 0, 0, 0, 0],
        [2838, 2261, 704, 2651, 123, 2040],
        [1512, 2681, 2766, 101, 3888, 914],
      ],
    ],
    [
      '🚀 go',
      [
        [689, 3687, 0, 0, 0, 0],
        [2986, 2198, 885, 0, 0, 0],
      ],
    ],
    [
      'İstanbul ΣΑΣ',
      [
        [250, 2682, 2064, 3908, 3365, 1847],
        [3134, 2436, 489, 157, 0, 0],
      ],
    ],
  ])('gives the ids the model was trained with: %s', (prompt, expected) => {
    expect(rows(prompt)).toEqual(expected);
  });

  it('reads the first 28 words', () => {
    const prompt = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ');
    expect(rows(prompt)).toHaveLength(28);
    expect(rows(prompt)).toEqual(rows(prompt.split(' ').slice(0, 28).join(' ')));
  });

  it('gives only padding for a prompt without words', () => {
    expect(rows(' ... -- ')).toEqual([]);
  });

  it('drops what is only punctuation', () => {
    expect(splitWords(' -- "Red", (blue) ... ')).toEqual(['red', 'blue']);
  });
});

describe('crc32', () => {
  it('is the checksum of zlib', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 37) % 256);
    expect(crc32(bytes)).toBe(zlibCrc32(bytes));
    expect(crc32(new Uint8Array())).toBe(0);
  });
});
