/**
 * Builds `tokenizer.json` for older exports, which hold CLIP's tokenizer as `vocab.json` and `merges.txt`. The rules
 * are those of openai/clip-vit-large-patch14: lower case, words and single digits, byte-level BPE with `</w>` at the
 * end of words. Pure.
 */
export const CLIP_START = '<|startoftext|>';
export const CLIP_END = '<|endoftext|>';

const WORDS = `${CLIP_START}|${CLIP_END}|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+`
  .replaceAll('<|', '<\\|')
  .replaceAll('|>', '\\|>');

/** Input of `new Tokenizer`, which checks it. */
export type TokenizerJson = Record<string, unknown>;

/** @returns undefined if the vocabulary lacks CLIP's start or end token, so it is not CLIP's */
export function clipTokenizerJson(
  vocabulary: Readonly<Record<string, number>>,
  merges: string,
): TokenizerJson | undefined {
  const start = vocabulary[CLIP_START];
  const end = vocabulary[CLIP_END];
  if (start === undefined || end === undefined) return undefined;
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: '1.0',
    added_tokens: [special(start, CLIP_START), special(end, CLIP_END)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [CLIP_END, end],
      cls: [CLIP_START, start],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      unk_token: CLIP_END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab: vocabulary,
      merges: merges.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#version')),
    },
  };
}
