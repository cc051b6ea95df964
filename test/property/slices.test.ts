/** Arithmetic between slices: whatever the numbers, nothing is lost, doubled or bent out of its length. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/generation/prompt/interpolation.ts';
import { raiseNoise, stepsFrom, towardsReference } from '../../src/generation/slices/latents.ts';
import { joinPrompts, parsePrompts, promptAt, promptStretches } from '../../src/generation/prompt/prompt-list.ts';

const vector = fc.array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 8, maxLength: 8 });
const amount = fc.double({ min: 0, max: 1, noNaN: true });
const normOf = (values: Float32Array): number => Math.hypot(...values);

describe('between two vectors', () => {
  it('both ends are exact, on either way', () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const [from, to] = [Float32Array.from(a), Float32Array.from(b)];
        for (const kind of ['linear', 'spherical'] as const) {
          expect(interpolate(kind, from, to, 0)).toEqual(from);
          expect(interpolate(kind, from, to, 1)).toEqual(to);
        }
      }),
    );
  });

  it('the arc keeps the length of two equally long ones, the straight way never lengthens', () => {
    fc.assert(
      fc.property(vector, vector, amount, (a, b, share) => {
        const from = Float32Array.from(a);
        const [fromNorm, toNorm] = [Math.hypot(...a), Math.hypot(...b)];
        fc.pre(fromNorm > 0.1 && toNorm > 0.1);
        const to = Float32Array.from(b, (value) => (value / toNorm) * fromNorm);
        const cosine = from.reduce((sum, value, index) => sum + value * (to[index] ?? 0), 0) / fromNorm ** 2;
        fc.pre(cosine > -0.99);
        expect(normOf(interpolate('spherical', from, to, share)) / fromNorm).toBeCloseTo(1, 2);
        expect(normOf(interpolate('linear', from, to, share))).toBeLessThanOrEqual(fromNorm * 1.0001);
      }),
    );
  });

  it('is never anything but numbers, whatever the two are', () => {
    fc.assert(
      fc.property(vector, vector, amount, (a, b, share) => {
        const zero = new Float32Array(8);
        for (const [from, to] of [
          [Float32Array.from(a), Float32Array.from(b)],
          [zero, Float32Array.from(b)],
          [Float32Array.from(a), Float32Array.from(a, (value) => -value)],
        ] as const)
          expect(interpolate('spherical', from, to, share).every(Number.isFinite)).toBe(true);
      }),
    );
  });
});

describe('latents', () => {
  it('raised to no noise are themselves, to all of it the noise', () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const [clean, noise] = [Float32Array.from(a), Float32Array.from(b)];
        expect(raiseNoise(clean, noise, 0).every((value, index) => value === clean[index])).toBe(true);
        expect(raiseNoise(clean, noise, 1).every((value, index) => value === noise[index])).toBe(true);
      }),
    );
  });

  it('have steps left from their strength down to the picture', () => {
    const sigmas = [1, 0.9, 0.8, 0.5, 0];
    expect(stepsFrom(sigmas, 1)).toHaveLength(4);
    expect(stepsFrom(sigmas, 0.8)).toEqual([
      { sigma: 0.8, sigmaNext: 0.5 },
      { sigma: 0.5, sigmaNext: 0 },
    ]);
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1, noNaN: true }), (strength) => {
        const steps = stepsFrom(sigmas, strength);
        expect(steps[0]?.sigma).toBe(strength);
        expect(steps.at(-1)?.sigmaNext).toBe(0);
        expect(steps.every(({ sigma, sigmaNext }) => sigmaNext < sigma)).toBe(true);
      }),
    );
  });

  it('held to a reference by the whole factor have its mean and deviation, by none their own', () => {
    const latents = Float32Array.from({ length: 64 }, (_, index) => Math.sin(index * 1.7) + (index % 2));
    const reference = Float32Array.from({ length: 64 }, (_, index) => 3 * Math.cos(index * 0.9) - (index % 2));
    const held = towardsReference(latents, reference, 2, 1);
    for (const channel of [0, 1]) {
      const [own, wanted] = [held, reference].map((values) => statistics(values, channel));
      expect(own?.mean).toBeCloseTo(wanted?.mean ?? NaN, 4);
      expect(own?.deviation).toBeCloseTo(wanted?.deviation ?? NaN, 4);
    }
    expect(towardsReference(latents, reference, 2, 0)).toEqual(latents);
    expect(towardsReference(new Float32Array(64), reference, 2, 1).every(Number.isFinite)).toBe(true);
  });
});

function statistics(values: Float32Array, channel: number): { mean: number; deviation: number } {
  const own = [...values].filter((_, index) => index % 2 === channel);
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
  return { mean, deviation: Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length) };
}

describe('lists of prompts', () => {
  const prompt = fc.stringMatching(/^[a-z\\|]{1,8}$/).filter((text) => !text.endsWith('\\'));

  it('survive being written as one text', () => {
    fc.assert(
      fc.property(fc.array(prompt, { minLength: 1, maxLength: 8 }), (prompts) => {
        expect(parsePrompts(joinPrompts(prompts))).toEqual(prompts);
      }),
    );
  });

  it('give every slice of a clip one prompt, in order, and each prompt at least one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.nat(60),
        fc.integer({ min: 1, max: 8 }),
        (count, more, travel) => {
          const prompts = Array.from({ length: count }, (_, index) => `p${index}`);
          const sliceCount = count + more;
          const track = { prompts, sliceCount, transitionSlices: travel, interpolation: 'linear' } as const;
          const ends = Array.from({ length: sliceCount }, (_, slice) => {
            const { prompt, mix } = promptAt(track, slice);
            if (mix) expect(mix.amount > 0 && mix.amount < 1).toBe(true);
            return mix?.towards ?? prompt;
          });
          expect([...new Set(ends)]).toEqual(prompts);
          expect(ends).toEqual(ends.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
          for (const { fromSlice, travelSlices, prompt } of promptStretches(track))
            expect(promptAt(track, fromSlice + Math.max(0, travelSlices - 1))).toEqual({ prompt });
        },
      ),
    );
  });
});
