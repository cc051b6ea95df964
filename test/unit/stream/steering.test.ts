/** The table of docs/sdk.md, row by row. */
import { describe, expect, it } from 'vitest';
import { BEND_STRENGTH, decideSteering, type SteeredState, type Steering } from '../../../src/stream/steering.ts';

const RUNNING: SteeredState = { mode: 'live', prompt: 'the sea', seed: 7, guidance: 2, bendable: true };
const CLIP: SteeredState = { ...RUNNING, mode: 'clip' };
const NEW = { ...RUNNING, bendable: false };

const decide = (steering: Steering, state: SteeredState = RUNNING): string => {
  const { running, newRevision } = decideSteering(steering, state);
  return `${running}${newRevision ? ', new revision' : ''}`;
};

describe('steering', () => {
  it.each<[string, Steering, string]>([
    ['nothing, or the tier cap alone', {}, 'kept'],
    ['a transition without anything to change', { transition: 'continue', transitionSlices: 3 }, 'kept'],
    ['a prompt', { prompt: 'a city' }, 'dropped, new revision'],
    ['the same prompt', { prompt: 'the sea' }, 'dropped, new revision'],
    ['a prompt over some slices', { prompt: 'a city', transitionSlices: 3 }, 'bent, new revision'],
    ['a prompt, to continue', { prompt: 'a city', transition: 'continue' }, 'bent, new revision'],
    ['a prompt with a strength', { prompt: 'a city', strength: 0.4 }, 'bent, new revision'],
    ['a prompt with strength 0', { prompt: 'a city', strength: 0 }, 'kept, new revision'],
    ['the same, to continue', { prompt: 'the sea', seed: 7, guidance: 2, transition: 'continue' }, 'kept'],
    ['a seed', { seed: 8 }, 'dropped, new revision'],
    ['a seed, to continue', { seed: 8, transition: 'continue' }, 'bent, new revision'],
    ['guidance', { guidance: 4 }, 'bent, new revision'],
    ['the same guidance', { guidance: 2 }, 'kept'],
    ['guidance, as a cut', { guidance: 4, transition: 'cut' }, 'dropped, new revision'],
    ['a strength alone', { strength: 0.9 }, 'bent, new revision'],
  ])('%s', (_, steering, expected) => {
    expect(decide(steering)).toBe(expected);
  });

  it('drops what it cannot bend, and says so', () => {
    expect(decide({ prompt: 'a city', transition: 'continue' }, NEW)).toBe('dropped, new revision');
    expect(decide({ guidance: 4 }, NEW)).toBe('dropped, new revision');
    expect(decide({ guidance: 2 }, NEW)).toBe('kept');
    // What comes next still goes on from the picture on screen, where the generator can.
    expect(decideSteering({ guidance: 4 }, NEW)).toMatchObject({ continues: true });
    expect(decideSteering({ prompt: 'a city' }, NEW)).toMatchObject({ continues: false });
  });

  it('bends a clip as a whole, and therefore not by nothing', () => {
    expect(decide({ prompt: 'a city', strength: 0.5 }, CLIP)).toBe('bent, new revision');
    expect(() => decide({ prompt: 'a city', strength: 0 }, CLIP)).toThrow(
      expect.objectContaining({ code: 'PARAMETER_INVALID', details: { parameter: 'strength' } }),
    );
  });

  it('refuses a strength for a cut', () => {
    expect(() => decide({ prompt: 'a city', transition: 'cut', strength: 0.5 })).toThrow(
      expect.objectContaining({ code: 'PARAMETER_INVALID' }),
    );
  });

  it('has a strength, a length and a way that hold unless others are named', () => {
    expect(decideSteering({ prompt: 'a city', transition: 'continue' }, RUNNING)).toMatchObject({
      strength: BEND_STRENGTH,
      transitionSlices: 1,
      interpolation: 'linear',
    });
    const named = { strength: 0.9, transitionSlices: 5, interpolation: 'spherical' } as const;
    expect(decideSteering({ prompt: 'a city', ...named }, RUNNING)).toMatchObject(named);
  });
});
