/** A CLIP-like vocabulary of a few words: every byte, alone and at the end of a word, and the merges that make the words. */

export const WORDS = ['red', 'green', 'blue', 'yellow', 'sky', 'cat'];
export const START = '<|startoftext|>';
export const END = '<|endoftext|>';
/** Ids of a prompt. */
export const LENGTH = 16;

export interface ToyVocabulary {
  ids: Record<string, number>;
  /** Pairs, most important first. */
  merges: string[];
}

export function toyVocabulary(): ToyVocabulary {
  const letters = byteLetters();
  const merges: string[] = [];
  const words: string[] = [];
  for (const word of WORDS) {
    const parts = [...Array.from(word.slice(0, -1)), `${word.at(-1)}</w>`];
    let merged = parts[0] ?? '';
    for (const part of parts.slice(1)) {
      const pair = `${merged} ${part}`;
      merged += part;
      if (merges.includes(pair)) continue;
      merges.push(pair);
      words.push(merged);
    }
  }
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`), ...words, START, END];
  return { ids: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

/** The 256 bytes as the printable letters that byte-level BPE writes for them (GPT-2). */
function byteLetters(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : 256 + others++));
}
