/**
 * What every prompt goes through before a generator, a log or another viewer meets it: one line, no control characters,
 * not empty, not longer than the limit. Pure. The text itself is private and never put into an error.
 */
import { GlimpseError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** C0 and C1 controls and what hides or reorders text: zero-width space, bidirectional marks, BOM. Joiners are spelling. */
const INVISIBLE = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * Trims, turns runs of white space into one space, strips control characters and composes accents (NFC).
 * @throws GlimpseError PROMPT_EMPTY when nothing is left, PROMPT_TOO_LONG over `LIMITS.promptMaxChars` UTF-16 units.
 * @example normalizePrompt('  a red\n ball ') // 'a red ball'
 */
export function normalizePrompt(text: string): string {
  // Normalising is linear but not free: what is absurdly long is refused before it is touched.
  if (text.length > LIMITS.promptMaxChars * 4) throw tooLong(text.length);
  // Stripping may bring a letter and its accent together, so composing comes after it.
  const visible = text.toWellFormed().replace(/\s+/gu, ' ').replace(INVISIBLE, '').normalize('NFC');
  const prompt = visible.replace(/ +/g, ' ').trim();
  if (prompt === '') throw new GlimpseError('PROMPT_EMPTY');
  if (prompt.length > LIMITS.promptMaxChars) throw tooLong(prompt.length);
  return prompt;
}

const tooLong = (chars: number): GlimpseError =>
  new GlimpseError('PROMPT_TOO_LONG', { details: { chars, maxChars: LIMITS.promptMaxChars } });
