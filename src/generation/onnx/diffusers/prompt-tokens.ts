/**
 * Prompt to token ids for the text encoder: start, words, end, padded to a fixed length. What does not fit is left out
 * and reported, so that a viewer is told.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { packError } from '../pack/pack-error.ts';
import { clipTokenizerJson, type TokenizerJson } from './clip-tokenizer.ts';
import { readJson } from './export/json-file.ts';

const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]).nullish();
const configSchema = z.object({
  model_max_length: z.number().positive().optional(),
  pad_token: token,
  unk_token: token,
});
const specialSchema = z.object({ pad_token: token });
/** "No limit" is written as 1e30. */
const LENGTH_MAX_TOKENS = 512;

export interface PromptTokens {
  /** `length` ids. */
  ids: number[];
  /** Words (lower case) beyond what is read, or unknown to the vocabulary. */
  lostWords: string[];
}

export class PromptTokenizer {
  /** Ids per prompt, start and end included. */
  readonly length: number;
  readonly #tokenizer: Tokenizer;
  readonly #padId: number;
  readonly #unknownId: number | undefined;

  private constructor(
    tokenizer: Tokenizer,
    { length, padId, unknownId }: { length: number; padId: number; unknownId: number | undefined },
  ) {
    this.#tokenizer = tokenizer;
    this.length = length;
    this.#padId = padId;
    this.#unknownId = unknownId;
  }

  /**
   * @param folder `tokenizer/` of an export
   * @param length positions of the text encoder, where the tokenizer does not name its own
   * @throws GlimpseError MODEL_INVALID
   */
  static async load(folder: string, length: number): Promise<PromptTokenizer> {
    const definition = await readDefinition(folder);
    const raw = await readJson(join(folder, 'tokenizer_config.json'), 'tokenizer', { optional: true });
    const config = configSchema.safeParse(raw ?? {}).data;
    const special = specialSchema.safeParse(
      await readJson(join(folder, 'special_tokens_map.json'), 'tokenizer', { optional: true }),
    ).data;
    let tokenizer: Tokenizer;
    try {
      tokenizer = new Tokenizer(definition, raw ?? {});
    } catch (cause) {
      throw packError('tokenizer', 'a tokenizer.json that can be read', (cause as Error).message, cause);
    }
    const own = config?.model_max_length ?? length;
    const [start, end] = [idsOf(tokenizer, '')[0], idsOf(tokenizer, '').at(-1)];
    const pad = config?.pad_token ?? special?.pad_token;
    const padId = (pad == null ? undefined : tokenizer.token_to_id(pad)) ?? end ?? 0;
    const unknown = config?.unk_token == null ? undefined : tokenizer.token_to_id(config.unk_token);
    // CLIP uses its end token for unknown text, so it says nothing about a word.
    const unknownId = unknown === end || unknown === start ? undefined : unknown;
    return new PromptTokenizer(tokenizer, { length: own <= LENGTH_MAX_TOKENS ? own : length, padId, unknownId });
  }

  tokenize(prompt: string): PromptTokens {
    const all = idsOf(this.#tokenizer, prompt);
    const frame = idsOf(this.#tokenizer, '');
    // The tokens after a prompt stay when the prompt is cut.
    const after = frame.length > 0 ? frame.slice(Math.ceil(frame.length / 2)) : [];
    const kept = all.length <= this.length ? all : [...all.slice(0, this.length - after.length), ...after];
    const ids = [...kept, ...Array.from({ length: this.length - kept.length }, () => this.#padId)];
    return {
      ids,
      lostWords: this.#lostWords(prompt, all.length <= this.length ? Infinity : this.length - frame.length),
    };
  }

  /** @param room tokens available for words */
  #lostWords(prompt: string, room: number): string[] {
    const lost = new Set<string>();
    let used = 0;
    for (const word of prompt.toLowerCase().split(/\s+/u)) {
      if (word === '') continue;
      const ids = idsOf(this.#tokenizer, word, false);
      used += ids.length;
      const unknown = ids.length > 0 && ids.every((id) => id === this.#unknownId);
      if (used > room || unknown) lost.add(word);
    }
    return [...lost];
  }
}

const idsOf = (tokenizer: Tokenizer, text: string, withSpecialTokens = true): number[] =>
  // The library's types lose this one.
  tokenizer.encode(text, { add_special_tokens: withSpecialTokens }).ids;

async function readDefinition(folder: string): Promise<TokenizerJson> {
  const whole = await readJson(join(folder, 'tokenizer.json'), 'tokenizer', { optional: true });
  if (whole !== undefined) return whole as TokenizerJson;
  const [vocabularyFile, mergesFile] = [join(folder, 'vocab.json'), join(folder, 'merges.txt')];
  if (!existsSync(vocabularyFile) || !existsSync(mergesFile))
    throw packError(
      'tokenizer',
      'tokenizer.json, or vocab.json and merges.txt (export again, or copy them from the model)',
      'neither',
    );
  const vocabulary = z.record(z.string(), z.int()).safeParse(await readJson(vocabularyFile, 'tokenizer')).data;
  const definition = vocabulary && clipTokenizerJson(vocabulary, await readFile(mergesFile, 'utf8'));
  if (definition) return definition;
  throw packError(
    'tokenizer',
    "CLIP's vocabulary in vocab.json, or a tokenizer.json (AutoTokenizer.from_pretrained(…, use_fast=True).save_pretrained(DIR) writes one)",
    'another vocabulary',
  );
}
