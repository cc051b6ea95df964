/**
 * The "hashed-words" tokenizer: a word becomes the hashes of itself and of its letter trigrams (as in fastText,
 * Bojanowski et al. 2017). So a typo shares most ids with the intended word, and no vocabulary file is needed. Training
 * uses the same rules; any change here makes every trained text part useless. Pure.
 */
import { crc32 } from './crc32.ts';

export interface TokenizerRules {
  /** Number of distinct ids; 0 is padding. */
  buckets: number;
  /** Words beyond this are not read. */
  maxWords: number;
  /** A word with more features keeps half from the front and half from the back. */
  featuresPerWord: number;
}

/** Between words, with or without a space: `red ball,sea` is three. An apostrophe within a word is spelling. */
const BETWEEN_WORDS = /[\s!"()*,\-./:;<>?[\\\]_{|}\u3001\u3002]+/u;
const utf8 = new TextEncoder();

/** Words in reading order: lower case, split at white space and punctuation, apostrophes taken off both ends. */
export function splitWords(prompt: string): string[] {
  return prompt
    .toLowerCase()
    .split(BETWEEN_WORDS)
    .map((word) => word.replace(/^'+|'+$/gu, ''))
    .filter((word) => word !== '');
}

/** Ids of the prompt's words, row after row: int64 of shape [maxWords, featuresPerWord], padded with 0. */
export function tokenize(prompt: string, rules: TokenizerRules): BigInt64Array<ArrayBuffer> {
  const ids = new BigInt64Array(rules.maxWords * rules.featuresPerWord);
  for (const [row, word] of splitWords(prompt).slice(0, rules.maxWords).entries()) {
    const features = wordFeatures(word, rules.featuresPerWord);
    const hashes = features.map((feature) => BigInt(1 + (crc32(utf8.encode(feature)) % (rules.buckets - 1))));
    ids.set(hashes, row * rules.featuresPerWord);
  }
  return ids;
}

/** 'w' and the word, then the trigrams of '^word$' counted in code points. */
function wordFeatures(word: string, most: number): string[] {
  const letters = Array.from(`^${word}$`);
  const trigrams = Array.from({ length: Math.max(1, letters.length - 2) }, (_, start) =>
    letters.slice(start, start + 3).join(''),
  );
  const features = [`w${word}`, ...trigrams];
  if (features.length <= most) return features;
  const front = Math.floor(most / 2);
  return [...features.slice(0, front), ...features.slice(features.length - (most - front))];
}
