import { describe, expect, it } from 'vitest';
import { decideOpenFields, likeliest } from '../../src/generation/onnx/model/open-fields.ts';

const OBJECT = { name: 'object', offset: 0, values: ['none', 'ball'] };
const MOTION = {
  name: 'motion',
  offset: 3,
  values: ['still', 'left', 'right', 'bounce'],
  open: { choices: ['still', 'left', 'right'], unless: { object: ['none'] } },
};
const CONDITION = { fields: [OBJECT, MOTION] };
const BALL = [0.1, 0, 0.9];
const NOTHING = [0.1, 0.9, 0];
const UNSAID = [0.7, 0.1, 0.1, 0.1, 0];
const decided = (condition: readonly number[], seed: number) =>
  decideOpenFields(Float32Array.from(condition), CONDITION, seed);
const motion = (condition: readonly number[], seed: number) => likeliest(decided(condition, seed), MOTION);

describe('a field that the prompt leaves open', () => {
  it('is decided by the seed, for certain, and the same way each time', () => {
    for (let seed = 0; seed < 20; seed++) {
      const values = decided([...BALL, ...UNSAID], seed);
      expect([...values.subarray(3)].filter((value) => value !== 0)).toEqual([1]);
      expect(values).toEqual(decided([...BALL, ...UNSAID], seed));
    }
  });

  it('takes each of its choices with some seed, and nothing else', () => {
    const seen = new Set(Array.from({ length: 50 }, (_, seed) => motion([...BALL, ...UNSAID], seed)));
    expect(seen).toEqual(new Set(['still', 'left', 'right']));
  });

  it('leaves the other fields, and what was handed in, as they were', () => {
    const condition = Float32Array.from([...BALL, ...UNSAID]);
    const before = condition.slice();
    expect(decideOpenFields(condition, CONDITION, 1).subarray(0, 3)).toEqual(before.subarray(0, 3));
    expect(condition).toEqual(before);
  });

  it('stays open where it is moot', () => {
    expect(decided([...NOTHING, ...UNSAID], 1)).toEqual(Float32Array.from([...NOTHING, ...UNSAID]));
  });

  it('stays open where the pack has no choices for it', () => {
    const condition = Float32Array.from([0.9, 0.1, 0, ...UNSAID]);
    expect(likeliest(decideOpenFields(condition, CONDITION, 1), OBJECT)).toBeUndefined();
  });
});

it('what the prompt says is not decided again', () => {
  const said = [...BALL, 0.1, 0, 0, 0.1, 0.8];
  for (let seed = 0; seed < 10; seed++) expect(motion(said, seed)).toBe('bounce');
});
