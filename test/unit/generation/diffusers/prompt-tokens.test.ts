/** Prompt to ids, with the toy's vocabulary in both forms in which exports hold one. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToyDiffusers } from '../../../../scripts/make-toy-diffusers.ts';
import { END, LENGTH, START, toyVocabulary } from '../../../../scripts/toy-diffusers/vocabulary.ts';
import { PromptTokenizer } from '../../../../src/generation/onnx/diffusers/prompt-tokens.ts';

const { ids } = toyVocabulary();
const idOf = (token: string): number => ids[token] ?? -1;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-tokens-'));
  await makeToyDiffusers(join(folder, 'new'));
  await makeToyDiffusers(join(folder, 'old'), { oldTokenizer: true });
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(['new', 'old'])('the tokenizer of a %s export', (age) => {
  let tokenizer: PromptTokenizer;
  beforeAll(async () => {
    tokenizer = await PromptTokenizer.load(join(folder, age, 'tokenizer'), 77);
  });

  it('frames words in start and end, and pads to its length', () => {
    const { ids: found, lostWords } = tokenizer.tokenize('Red   SKY');
    expect(found).toEqual([
      idOf(START),
      idOf('red</w>'),
      idOf('sky</w>'),
      ...Array.from({ length: LENGTH - 3 }, () => idOf(END)),
    ]);
    expect(lostWords).toEqual([]);
  });

  it('spells a word that it does not know, digit by digit and byte by byte', () => {
    const { ids: found } = tokenizer.tokenize('a1 é');
    expect(found.slice(1, 4)).toEqual([idOf('a</w>'), idOf('1</w>'), idOf('Ã')]);
    expect(found[4]).toBe(idOf('©</w>'));
  });

  it('reads as far as the text encoder does, keeps the end, and names what is lost', () => {
    const { ids: found, lostWords } = tokenizer.tokenize(`${'red '.repeat(LENGTH - 2)}blue Cat`);
    expect(found).toHaveLength(LENGTH);
    expect(found.at(-1)).toBe(idOf(END));
    expect(found.at(-2)).toBe(idOf('red</w>'));
    expect(lostWords).toEqual(['blue', 'cat']);
  });

  it('takes an empty prompt, as guidance needs it', () => {
    expect(tokenizer.tokenize('').ids.slice(0, 2)).toEqual([idOf(START), idOf(END)]);
  });
});

describe('a tokenizer folder', () => {
  const load = (name: string): Promise<PromptTokenizer> => PromptTokenizer.load(join(folder, name), 77);
  const invalid = (expected: string) => ({
    code: 'MODEL_INVALID',
    details: { part: 'tokenizer', expected: expect.stringContaining(expected) },
  });

  it('without a tokenizer says what to do', async () => {
    await expect(load('none')).rejects.toMatchObject(invalid('vocab.json and merges.txt'));
  });

  it('with a broken file is refused', async () => {
    const broken = join(folder, 'new', 'tokenizer', 'tokenizer.json');
    await writeFile(broken, '{"model":');
    await expect(load('new/tokenizer')).rejects.toMatchObject(invalid('JSON'));
    await writeFile(broken, '{"model": {"type": "Abacus"}}');
    await expect(load('new/tokenizer')).rejects.toMatchObject(invalid('tokenizer.json'));
  });

  it("with another vocabulary than CLIP's is refused, with the way to a tokenizer.json", async () => {
    await writeFile(join(folder, 'old', 'tokenizer', 'vocab.json'), '{"<s>": 0, "a": 1}');
    await expect(load('old/tokenizer')).rejects.toMatchObject(invalid('use_fast=True'));
  });
});
