import { describe, expect, it } from 'vitest';
import { DriftReference } from '../../../src/generation/slices/drift-reference.ts';

const DAY = { prompt: 'the sea by day' };
const NIGHT = { prompt: 'the sea at night' };
const TRAVEL = { ...DAY, mix: { towards: NIGHT.prompt, amount: 0.5, interpolation: 'linear' } } as const;
const first = Float32Array.of(1);
const later = Float32Array.of(2);

describe('what later slices are held to', () => {
  it('is the first whole slice of the prompt, not its draft, and stays that', () => {
    const reference = new DriftReference(true);
    reference.onSlice(DAY, 'draft', later);
    expect(reference.of(DAY)).toEqual({});
    reference.onSlice(DAY, 'base', first);
    reference.onSlice(DAY, 'base', later);
    expect(reference.of(DAY)).toEqual({ reference: first });
  });

  it('is nothing on the way to another prompt, and the other one begins anew', () => {
    const reference = new DriftReference(true);
    reference.onSlice(DAY, 'base', first);
    expect(reference.of(TRAVEL)).toEqual({});
    reference.onSlice(TRAVEL, 'base', later);
    expect(reference.of(NIGHT)).toEqual({});
    reference.onSlice(NIGHT, 'base', later);
    expect(reference.of(NIGHT)).toEqual({ reference: later });
  });

  it('is nothing unless it was asked for', () => {
    const reference = new DriftReference(false);
    reference.onSlice(DAY, 'base', first);
    expect(reference.of(DAY)).toEqual({});
  });
});
