import { describe, expect, it } from 'vitest';
import {
  heavierPrompt,
  joinPrompts,
  LIVE_PROMPT_SLICES,
  parsePrompts,
  promptAt,
  promptStretches,
  type PromptTrack,
} from '../../../src/generation/prompt/prompt-list.ts';
import { LIMITS } from '../../../src/limits.ts';

const track = (change: Partial<PromptTrack> = {}): PromptTrack => ({
  prompts: ['a', 'b', 'c'],
  sliceCount: undefined,
  transitionSlices: 1,
  interpolation: 'linear',
  ...change,
});
/** The first slices in short: `a` for a prompt, `a>b:0.5` for half of the way. */
const slices = (count: number, of: PromptTrack): string[] =>
  Array.from({ length: count }, (_, slice) => {
    const { prompt, mix } = promptAt(of, slice);
    return mix ? `${prompt}>${mix.towards}:${mix.amount.toFixed(2)}` : prompt;
  });

describe('parsePrompts', () => {
  it('reads one prompt as a list of one', () => {
    expect(parsePrompts('  the   sea ')).toEqual(['the sea']);
  });

  it('splits at bars, and keeps a bar that a backslash stands before', () => {
    expect(parsePrompts('the sea|a city | snow \\| rain')).toEqual(['the sea', 'a city', 'snow | rain']);
  });

  it.each(['|', 'a |', '| a', 'a || b', ' | '])('refuses an empty part: %j', (text) => {
    expect(() => parsePrompts(text)).toThrow(expect.objectContaining({ code: 'PROMPT_EMPTY' }));
  });

  it('refuses more prompts than the limit, or than the clip has slices', () => {
    const tooMany = Array.from({ length: LIMITS.promptListMax + 1 }, () => 'a').join('|');
    expect(() => parsePrompts(tooMany)).toThrow(expect.objectContaining({ code: 'PROMPT_LIST_TOO_LONG' }));
    expect(() => parsePrompts('a | b | c', 2)).toThrow(
      expect.objectContaining({ code: 'PROMPT_LIST_TOO_LONG', details: { prompts: 3, maxPrompts: 2 } }),
    );
    expect(parsePrompts('a | b', 2)).toHaveLength(2);
  });

  it('counts the length of the list as a whole', () => {
    const half = 'x'.repeat(LIMITS.promptMaxChars / 2);
    expect(() => parsePrompts(`${half} | ${half}`)).toThrow(expect.objectContaining({ code: 'PROMPT_TOO_LONG' }));
  });

  it('reads back what joinPrompts writes', () => {
    const prompts = ['the sea', 'snow | rain', 'a \\ b', 'c\\|d'];
    expect(parsePrompts(joinPrompts(prompts))).toEqual(prompts);
  });
});

describe('a track of prompts', () => {
  it('divides a clip evenly, the earlier prompts the longer where it does not come out even', () => {
    expect(slices(6, track({ sliceCount: 6 })).join('')).toBe('aabbcc');
    expect(slices(8, track({ sliceCount: 8 })).join('')).toBe('aaabbbcc');
    expect(slices(3, track({ sliceCount: 3 })).join('')).toBe('abc');
  });

  it('gives each prompt the same stretch of a live timeline, and stays with the last', () => {
    const expected = `${'a'.repeat(LIVE_PROMPT_SLICES)}${'b'.repeat(LIVE_PROMPT_SLICES)}${'c'.repeat(40)}`;
    expect(slices(2 * LIVE_PROMPT_SLICES + 40, track()).join('')).toBe(expected);
  });

  it('travels over n slices, of which the last is all the new prompt', () => {
    const bend = track({ prompts: ['b'], from: 'a', transitionSlices: 3 });
    expect(slices(4, bend)).toEqual(['a>b:0.33', 'a>b:0.67', 'b', 'b']);
    expect(slices(2, track({ prompts: ['b'], from: 'a' }))).toEqual(['b', 'b']);
  });

  it('travels between the prompts of a list, never past the next one', () => {
    expect(slices(4, track({ prompts: ['a', 'b'], sliceCount: 4, transitionSlices: 2 }))).toEqual([
      'a',
      'a',
      'a>b:0.50',
      'b',
    ]);
    expect(slices(3, track({ sliceCount: 3, transitionSlices: 8 }))).toEqual(['a', 'b', 'c']);
  });

  it('does not travel from a prompt to itself', () => {
    expect(slices(3, track({ prompts: ['a'], from: 'a', transitionSlices: 3 }))).toEqual(['a', 'a', 'a']);
  });

  it('leaves the slices that were kept to the old prompt', () => {
    const kept = track({ prompts: ['b'], from: 'a', keptSlices: 1, transitionSlices: 2 });
    expect(slices(3, kept)).toEqual(['a', 'a>b:0.50', 'b']);
  });

  it('goes on from its place when a revision keeps the prompts', () => {
    const whole = track({ transitionSlices: 2 });
    const later = { ...whole, firstSlice: 5 };
    expect(slices(10, later)).toEqual(slices(15, whole).slice(5));
    expect(promptStretches(later).map(({ fromSlice }) => fromSlice)).toEqual([-5, 1, 7]);
  });

  it('is mostly what it is nearer to', () => {
    const mix = { towards: 'b', interpolation: 'linear' } as const;
    expect(heavierPrompt({ prompt: 'a' })).toBe('a');
    expect(heavierPrompt({ prompt: 'a', mix: { ...mix, amount: 0.4 } })).toBe('a');
    expect(heavierPrompt({ prompt: 'a', mix: { ...mix, amount: 0.5 } })).toBe('b');
  });
});
