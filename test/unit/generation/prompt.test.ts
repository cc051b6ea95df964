import { describe, expect, it } from 'vitest';
import { normalizePrompt } from '../../../src/generation/prompt.ts';
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

  it.each(['', '   ', '\n\t', '\u0000\u200b'])('refuses an empty prompt: %j', (text) => {
    expect(() => normalizePrompt(text)).toThrow(expect.objectContaining({ code: 'PROMPT_EMPTY' }));
  });

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
