import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextPressure, PRESSURES, type Pressure } from '../../../src/generation/engine/memory-pressure.ts';
import {
  chooseVariants,
  movesFor,
  movesForAll,
  movesToRest,
  PART_STATES,
  type PartInfo,
} from '../../../src/generation/onnx/runtime/part-memory.ts';

const part = (name: string, over: Partial<PartInfo> = {}): PartInfo => {
  const { state = 'resident', residentBytes = 10 } = over;
  const bytes = state === 'cold' ? 0 : residentBytes;
  return { name, state, residentBytes, weightBytes: residentBytes, bytes, lastUsedUs: 0, uses: 0, ...over };
};

describe('room for a part', () => {
  it('needs nothing when the part is there', () => {
    expect(movesFor('text', [part('text'), part('denoiser')], 20)).toEqual([]);
  });

  it('lets half-loaded parts go first, then the least recently used, and of equals the one needed last', () => {
    const parts = [
      part('text', { lastUsedUs: 5 }),
      part('denoiser', { state: 'cold' }),
      part('decoder', { lastUsedUs: 9, state: 'half-loaded' }),
      part('refiner', { lastUsedUs: 5 }),
      part('upscaler', { lastUsedUs: 7 }),
    ];
    expect(movesFor('denoiser', parts, 20)).toEqual([
      { part: 'decoder', to: 'cold' },
      { part: 'refiner', to: 'cold' },
      { part: 'text', to: 'cold' },
      { part: 'denoiser', to: 'resident' },
    ]);
    expect(movesFor('denoiser', parts, 40).map((move) => move.part)).toEqual(['decoder', 'denoiser']);
  });

  it('keeps nothing else in low-memory mode', () => {
    const parts = [part('text'), part('denoiser'), part('decoder', { state: 'half-loaded' })];
    expect(movesFor('denoiser', parts, 1000, true).map(({ part: name, to }) => `${name} ${to}`)).toEqual([
      'decoder cold',
      'text cold',
    ]);
  });

  it('says which part does not fit, even alone', () => {
    expect(() => movesFor('denoiser', [part('denoiser', { state: 'cold' })], 9)).toThrow(
      expect.objectContaining({ code: 'MEMORY_BUDGET', details: { part: 'denoiser', bytes: 10, budgetBytes: 9 } }),
    );
  });

  it('never goes over the budget and never lets the part in use go', () => {
    const info = fc.record({
      state: fc.constantFrom(...PART_STATES),
      residentBytes: fc.integer({ min: 1, max: 50 }),
      lastUsedUs: fc.nat(9),
    });
    fc.assert(
      fc.property(
        fc.array(info, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 50, max: 120 }),
        (infos, budget) => {
          let parts = infos.map((entry, index) => part(`part ${index}`, entry));
          // What is there already may be over a budget that was just lowered; it must fit once a part is loaded.
          const cold = parts.find(({ state }) => state === 'cold');
          if (!cold) return;
          for (const { part: name, to } of movesFor(cold.name, parts, budget)) {
            expect(name === cold.name ? to : 'cold').toBe(to);
            parts = parts.map((one) =>
              one.name === name ? { ...one, state: to, bytes: to === 'cold' ? 0 : one.residentBytes } : one,
            );
          }
          expect(parts.find(({ name }) => name === cold.name)?.state).toBe('resident');
          expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(budget);
        },
      ),
    );
  });
});

describe('a whole workflow', () => {
  const parts = [
    part('text', { state: 'cold' }),
    part('denoiser', { state: 'half-loaded' }),
    part('refiner', { state: 'cold' }),
  ];
  const names = parts.map(({ name }) => name);

  it('is loaded in the order a slice needs it, as far as it fits', () => {
    expect(movesForAll(names, parts, 30).map((move) => move.part)).toEqual(['text', 'denoiser', 'refiner']);
    expect(movesForAll(names, parts, 25).map((move) => move.part)).toEqual(['text', 'denoiser']);
  });

  it('rests half-loaded or cold', () => {
    expect(movesToRest([part('text'), part('denoiser', { state: 'cold' })], 'half-loaded')).toEqual([
      { part: 'text', to: 'half-loaded' },
    ]);
    expect(movesToRest(parts, 'cold')).toEqual([{ part: 'denoiser', to: 'cold' }]);
  });
});

describe('variants', () => {
  const kinds = (...bytes: number[]) => bytes.map((residentBytes) => ({ variant: `${residentBytes}`, residentBytes }));

  it('are the best that fit, the part that saves most stepping down first', () => {
    const parts = [kinds(100, 50, 25), kinds(40, 10)];
    expect(chooseVariants(parts, 200)).toEqual([0, 0]);
    expect(chooseVariants(parts, 100)).toEqual([1, 0]);
    expect(chooseVariants(parts, 60)).toEqual([1, 1]);
    expect(chooseVariants(parts, 1)).toEqual([2, 1]);
  });
});

describe('memory pressure', () => {
  const run = (...ratios: number[]): Pressure[] => {
    let now: Pressure = 'normal';
    return ratios.map((ratio) => (now = nextPressure(now, ratio)));
  };

  it('alerts at 80%, turns to low memory at 90%, and back with room to spare', () => {
    expect(run(0.79, 0.8, 0.89, 0.9, 0.85, 0.76, 0.75, 0.71, 0.7)).toEqual([
      'normal',
      'alert',
      'alert',
      'low-memory',
      'low-memory',
      'low-memory',
      'alert',
      'alert',
      'normal',
    ]);
  });

  it('answers every state and ratio', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PRESSURES), fc.double({ min: 0, max: 2, noNaN: true }), (now, ratio) => {
        expect(PRESSURES).toContain(nextPressure(now, ratio));
      }),
    );
  });
});
