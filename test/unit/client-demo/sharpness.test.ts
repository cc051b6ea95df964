import { describe, expect, it } from 'vitest';
import { SharpnessNote } from '../../../client-demo/sharpness.ts';
import type { Tier } from '../../../src/client/index.ts';

type Look = Tier | 'fast';

/** Slices of one prompt as they are seen, each from its first look to its last. */
function see(note: SharpnessNote, slices: readonly Look[][], first = 1) {
  for (const [index, looks] of slices.entries())
    for (const look of looks) {
      const made = look === 'fast' ? ({ tier: 'refined', variant: 'fast' } as const) : { tier: look };
      note.present({ revision: 0, slice: first + index, ...made });
    }
  return note.now;
}

describe('SharpnessNote', () => {
  it('says nothing of a first slice that is sharpened fast, nor of one that is late', () => {
    const note = new SharpnessNote();
    expect(see(note, [['draft', 'base', 'fast'], ['refined']], 0)).toBe('full');
    expect(see(note, [['base'], ['refined'], ['fast'], ['refined']], 2)).toBe('full');
  });

  it('says so where slices in a row are made fast, until one is made in full', () => {
    const note = new SharpnessNote();
    expect(see(note, [['fast']])).toBe('full');
    expect(see(note, [['base', 'fast']], 2)).toBe('fast');
    expect(see(note, [['base'], ['fast']], 3)).toBe('fast');
    expect(see(note, [['refined']], 5)).toBe('full');
  });

  it('says so where slices in a row are not refined at all, until one is', () => {
    const note = new SharpnessNote();
    expect(see(note, [['base'], ['draft', 'base'], ['base']])).toBe('full');
    expect(see(note, [['base']], 4)).toBe('unrefined');
    expect(see(note, [['base', 'fast']], 5)).toBe('fast');
    note.reset();
    expect(note.now).toBe('full');
  });

  it('does not take a slice that sharpens while it is seen for one that does not', () => {
    const note = new SharpnessNote();
    expect(
      see(
        note,
        Array.from({ length: 9 }, () => ['base', 'refined'] as const).map((looks) => [...looks]),
      ),
    ).toBe('full');
  });
});
