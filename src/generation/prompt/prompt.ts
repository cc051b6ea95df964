/**
 * Normalises every prompt once, before a filter, a generator, a log or another viewer gets it: one line, one spelling,
 * nothing hidden, not empty, within the limit. What keyboards and phones make of plain text (curly quotes, long dashes,
 * wide letters, ligatures) becomes plain (NFKC, UAX #15); invisible characters (UAX #31 2.3, UTS #39) are removed.
 * Pure. The text is private and never part of an error.
 */
import { GlimpseError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';

/** Controls, default-ignorable and bidirectional characters, annotation marks, and what dictation leaves behind. */
const UNSEEN = /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffc]/gu;
const SINGLE_QUOTES = /[\u0060\u00b4\u02b9\u02bb\u02bc\u2018-\u201b\u2032\u2035\u2039\u203a]/gu;
const DOUBLE_QUOTES = /[\u00ab\u00bb\u201c-\u201f\u2033\u2036\u301d-\u301f]/gu;
const DASHES = /[\p{Dash_Punctuation}\u2212]/gu;
/** Scripts in which a joiner is spelling: Persian words, Indic conjuncts. */
const JOINED = String.raw`[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}]`;
const AFTER_JOINED = new RegExp(`${JOINED}$`, 'u');
const BEFORE_JOINED = new RegExp(`^${JOINED}`, 'u');
const AFTER_EMOJI = /\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?$/u;
const BEFORE_EMOJI = /^\p{Extended_Pictographic}/u;
const AFTER_SYMBOL = /\p{Extended_Pictographic}$/u;
/** One round can create what the next changes again; real text is stable after two. */
const ROUNDS_MAX = 8;

/**
 * Trims, turns runs of white space into one space, folds quotes, dashes, width and ligatures, strips what is not seen.
 * @throws GlimpseError PROMPT_EMPTY when nothing is left, PROMPT_TOO_LONG over `LIMITS.promptMaxChars` UTF-16 units.
 * @example normalizePrompt('  “ａ red”\n bal\u00adloon ') // '"a red" balloon'
 */
export function normalizePrompt(text: string): string {
  // Normalising is linear but not free: refuse text that is far too long before it starts.
  if (text.length > LIMITS.promptMaxChars * 4) throw tooLong(text.length);
  let prompt = plain(text.toWellFormed());
  for (let round = 1, before = ''; round < ROUNDS_MAX && before !== prompt; round++) {
    before = prompt;
    prompt = plain(before);
  }
  if (prompt === '') throw new GlimpseError('PROMPT_EMPTY');
  if (prompt.length > LIMITS.promptMaxChars) throw tooLong(prompt.length);
  return prompt;
}

const plain = (text: string): string =>
  text
    .replace(/\s+/gu, ' ')
    .replace(UNSEEN, (character, at: number) => (isSpelling(character, text, at) ? character : ''))
    .replace(SINGLE_QUOTES, "'")
    .replace(DOUBLE_QUOTES, '"')
    .replace(DASHES, '-')
    .normalize('NFKC')
    .replace(/\s+/gu, ' ')
    .trim();

/** A joiner inside a word or an emoji, and the selector that colours a symbol. */
function isSpelling(character: string, text: string, at: number): boolean {
  if (!['\u200c', '\u200d', '\ufe0f'].includes(character)) return false;
  const before = text.slice(Math.max(0, at - 4), at);
  const after = text.slice(at + 1, at + 3);
  if (character === '\ufe0f') return AFTER_SYMBOL.test(before);
  if (AFTER_JOINED.test(before) && BEFORE_JOINED.test(after)) return true;
  return character === '\u200d' && AFTER_EMOJI.test(before) && BEFORE_EMOJI.test(after);
}

/** @param chars UTF-16 units, as JavaScript counts a string's length */
export const promptTooLong = (chars: number, maxChars: number): GlimpseError =>
  new GlimpseError('PROMPT_TOO_LONG', {
    message: `The prompt has ${chars} characters; at most ${maxChars} are allowed. Shorten it.`,
    details: { chars, maxChars },
  });

const tooLong = (chars: number): GlimpseError => promptTooLong(chars, LIMITS.promptMaxChars);
