import { describe, expect, it } from 'vitest';
import { normalizePrompt } from '../../../src/generation/prompt/prompt.ts';
import { LIMITS } from '../../../src/limits.ts';

describe('normalizePrompt', () => {
  it('makes one line of it', () => {
    expect(normalizePrompt('  a red\r\n\tball \u00a0 ')).toBe('a red ball');
  });

  it('strips control, invisible and reordering characters', () => {
    expect(normalizePrompt('a\u0000 r\u001b[31med\u200b \u202eball\ufeff')).toBe('a r[31med ball');
  });

  it('composes accents, so that both spellings of a word are one', () => {
    expect(normalizePrompt('cafe\u0301')).toBe('café');
  });

  it.each([
    ['soft hyphens', 'a red bal\u00adloon over the mea\u00addow', 'a red balloon over the meadow'],
    ['the Arabic letter mark', 'a red \u061cballoon', 'a red balloon'],
    ['zero-width joiners in Latin words', 'ba\u200dd wo\u200crds', 'bad words'],
    ['Hangul fillers', 'a\u3164 red\uffa0 ball', 'a red ball'],
    ['variation selectors and tags', 're\ufe00d\u{e0061} ball', 'red ball'],
    ['what dictation leaves', '\ufffca red ball', 'a red ball'],
  ])('strips %s', (_, typed, plain) => {
    expect(normalizePrompt(typed)).toBe(plain);
  });

  it.each([
    ['curly quotes', '“a red ball” over the ‘sea’ all’alba', "\"a red ball\" over the 'sea' all'alba"],
    ['other quotes', '«sea» ‹by› night´s', "\"sea\" 'by' night's"],
    ['dashes', 'snow—covered – mountains − high', 'snow-covered - mountains - high'],
    ['width', 'ａ ｒｅｄ　ｂａｌｌ', 'a red ball'],
    ['ligatures and dots', 'a ﬁeld of ﬂowers…', 'a field of flowers...'],
  ])('folds %s', (_, typed, plain) => {
    expect(normalizePrompt(typed)).toBe(plain);
  });

  it.each(['می‌خواهم', 'क्‍ष', '👩‍🚀 ❤️'])('keeps the joiners that are spelling: %s', (text) => {
    expect(normalizePrompt(text)).toBe(text.normalize('NFKC'));
  });

  it.each(['', '   ', '\n\t', '\u0000\u200b', '\u00ad', '\u3164', '\u200d\ufe0f'])(
    'refuses an empty prompt: %j',
    (text) => {
      expect(() => normalizePrompt(text)).toThrow(expect.objectContaining({ code: 'PROMPT_EMPTY' }));
    },
  );

  it('counts length after normalising', () => {
    const longest = 'x'.repeat(LIMITS.promptMaxChars);
    expect(normalizePrompt(`  ${longest}  `)).toBe(longest);
    expect(() => normalizePrompt(`${longest}y`)).toThrow(
      expect.objectContaining({ code: 'PROMPT_TOO_LONG', details: { chars: 1001, maxChars: 1000 } }),
    );
  });

  it('refuses what is absurdly long without reading it, and never repeats it', () => {
    const secret = 'secret '.repeat(1_000_000);
    expect(() => normalizePrompt(secret)).toThrow(expect.objectContaining({ code: 'PROMPT_TOO_LONG' }));
    expect(() => normalizePrompt(secret)).not.toThrow(/secret/);
  });
});
