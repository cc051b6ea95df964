/** What the shipped model makes of prompts as people write them: a picture always comes, and what was lost is said. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosineDistance } from '../../src/generation/cache/latents.ts';
import { defaultModelDirectory, loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { normalizePrompt } from '../../src/generation/prompt/prompt.ts';
import { LIMITS } from '../../src/limits.ts';
import { collect } from '../support/collect.ts';

/** Even a night scene has a light and a dark part; a flat picture is none. */
const CONTRAST_MIN = 32;

let generator: OnnxGenerator;
beforeAll(async () => {
  generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
});
afterAll(() => generator.close());

/** Difference between the lightest and the darkest luma of a prompt's picture, as a session would ask for it. */
async function contrast(prompt: string): Promise<number> {
  const job = { revision: 0, slice: 0, prompt: normalizePrompt(prompt), seed: 1, startMs: 0 };
  const { signal } = new AbortController();
  const [base] = await collect(generator.generate({ ...job, startAtTier: 'base', stopAtTier: 'base' }, { signal }));
  const frame = base?.frames[4];
  const luma = frame?.data.subarray(0, frame.widthPx * frame.heightPx) ?? [];
  return Math.max(...luma) - Math.min(...luma);
}

describe('reading a prompt', () => {
  it('gives the fields of a plain one', async () => {
    expect(await generator.read('a red ball over a green meadow at night')).toMatchObject({
      unknownWords: [],
      fields: { scene: 'meadow', time: 'night', object: 'ball', color: 'red' },
    });
  });

  it.each([
    ['soft hyphens', 'a red bal\u00adloon over the mea\u00addow', { object: 'balloon', scene: 'meadow' }],
    ['an Arabic letter mark', 'a red \u061cballoon', { object: 'balloon', color: 'red' }],
    ['smart quotes', '“a red ball” over the ‘sea’', { object: 'ball', scene: 'sea' }],
    ['an apostrophe of a phone', 'una palla rossa all’alba sul mare', { object: 'ball', scene: 'sea' }],
    ['no space after commas', 'red ball,sea,night', { object: 'ball', scene: 'sea', time: 'night' }],
    ['wide letters', 'ｒｅｄ ｂａｌｌ ａｔ ｎｉｇｈｔ', { object: 'ball', time: 'night' }],
  ])('loses nothing to %s', async (_, typed, fields) => {
    const reading = await generator.read(normalizePrompt(typed));
    expect(reading.fields).toMatchObject(fields);
    expect(reading.unknownWords).toEqual([]);
  });

  it('decides a contradiction, and says how', async () => {
    const { fields, unknownWords } = await generator.read('the sea by day at night');
    expect(['day', 'night']).toContain(fields['time']);
    expect(fields['scene']).toBe('sea');
    expect(unknownWords).toEqual([]);
    expect(await contrast('the sea by day at night')).toBeGreaterThan(CONTRAST_MIN);
  });

  it('reports emoji, and reads the words around them', async () => {
    const { fields, unknownWords } = await generator.read('🚀 the city at night 🌃');
    expect(fields).toMatchObject({ scene: 'city', time: 'night' });
    expect(unknownWords).toEqual(['🚀', '🌃']);
    expect(await contrast('🚀 🌃')).toBeGreaterThan(CONTRAST_MIN);
  });

  it('reports the words of a language it does not know', async () => {
    const { unknownWords } = await generator.read('წითელი ბურთი ზღვაზე');
    expect(unknownWords).toEqual(['წითელი', 'ბურთი', 'ზღვაზე']);
    expect(await contrast('წითელი ბურთი ზღვაზე')).toBeGreaterThan(CONTRAST_MIN);
  });

  it('reports words that stand beyond what it reads, known ones too', async () => {
    const { manifest } = await loadModelPack(defaultModelDirectory());
    const filler = Array.from({ length: manifest.tokenizer.maxWords }, () => 'the').join(' ');
    expect((await generator.read(`${filler} sunset desert`)).unknownWords).toEqual(['sunset', 'desert']);
    expect((await generator.read(`sunset ${filler}`)).unknownWords).toEqual([]);
  });

  it('draws the longest prompt there may be; a longer one and an empty one have their codes', async () => {
    const longest = 'snow on the mountains '.repeat(60).slice(0, LIMITS.promptMaxChars);
    expect(await contrast(longest)).toBeGreaterThan(CONTRAST_MIN);
    expect(() => normalizePrompt('snow '.repeat(400))).toThrow(expect.objectContaining({ code: 'PROMPT_TOO_LONG' }));
    expect(() => normalizePrompt(' \n ')).toThrow(expect.objectContaining({ code: 'PROMPT_EMPTY' }));
  });

  it('draws something without a single known word', async () => {
    expect((await generator.read('zxqv wvbn')).unknownWords).toEqual(['zxqv', 'wvbn']);
    expect(await contrast('zxqv wvbn')).toBeGreaterThan(CONTRAST_MIN);
    expect(await contrast('?!')).toBeGreaterThan(CONTRAST_MIN);
  });
});

describe('the distance of two prompts', () => {
  const distance = async (a: string, b: string): Promise<number> =>
    cosineDistance(await generator.embed(a), await generator.embed(b));

  it.each([
    ['a red ball over a meadow', 'a crimson ball above the grass', 'snow on mountains'],
    ['the sea at night, full moon', 'the ocean by night under a bright moon', 'the sea by day'],
    ['a yellow boat on the lake', 'a golden sailboat on the water', 'a white bird over the city'],
    ['rain over the city', 'a rainy skyline', 'the desert at noon'],
  ])('puts "%s" nearer to "%s" than to "%s"', async (prompt, alike, other) => {
    expect(await distance(prompt, alike)).toBeLessThan(await distance(prompt, other));
  });

  it('is nothing for the same meaning, and the same both ways', async () => {
    expect(await distance('a red ball', 'a red ball')).toBeCloseTo(0, 5);
    expect(await distance('the sea', 'the city')).toBeCloseTo(await distance('the city', 'the sea'), 6);
  });

  it('hands out vectors of its own', async () => {
    (await generator.embed('the sea')).fill(0);
    expect((await generator.embed('the sea')).some((value) => value > 0)).toBe(true);
  });
});
