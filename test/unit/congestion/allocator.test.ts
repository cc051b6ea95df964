import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Allocation, AllocatorInput, AllocatorMemory } from '../../../src/congestion/allocation.ts';
import { allocate, mediaTargetBps } from '../../../src/congestion/allocator.ts';

const rungs = [
  { widthPx: 512, heightPx: 512 },
  { widthPx: 256, heightPx: 256 },
  { widthPx: 128, heightPx: 128 },
];
const input = (targetBps: number, over: Partial<AllocatorInput> = {}): AllocatorInput => ({
  targetBps,
  nowUs: 0,
  queueMs: 0,
  rungs,
  generatorFps: 24,
  tierLimit: 'upscaled',
  ...over,
});

type Step = Allocation & { memory: AllocatorMemory };

/** One call after another for the same viewer. */
function next(given: AllocatorInput, previous: Step | undefined): Step {
  const { allocation, memory } = allocate(given, previous?.memory);
  return { ...allocation, memory };
}

describe('allocate', () => {
  it('sizes the first rung so that its keyframe arrives within 200 ms', () => {
    const { rung, keyframeBudgetBytes } = next(input(200e3), undefined);
    expect(rung.widthPx).toBe(256);
    expect(keyframeBudgetBytes * 8).toBeLessThanOrEqual(200e3 * 0.2);
  });

  it('gives up frames first, then the rung, then the tier', () => {
    let previous: Step | undefined;
    const steps = [3e6, 420e3, 200e3, 100e3, 60e3, 20e3, 8e3].map((targetBps) => {
      previous = next(input(targetBps), previous);
      return [previous.fps, previous.rung.widthPx, previous.tierCap];
    });
    expect(steps).toEqual([
      [24, 512, 'upscaled'],
      [24, 512, 'upscaled'],
      [24, 256, 'refined'],
      [23, 256, 'refined'],
      [24, 128, 'refined'],
      [18, 128, 'base'],
      [8, 128, 'draft'],
    ]);
  });

  it('sends a picture that moves little half as often where bits are few, and one that is new or moves more in full', () => {
    const settled = (targetBps: number, over: Partial<AllocatorInput>): Step => {
      const before = next(input(targetBps, over), undefined);
      expect(before.fps).toBe(next(input(targetBps, { ...over, motionPx: undefined }), undefined).fps);
      return next(input(targetBps, { nowUs: 2_000_000, ...over }), before);
    };
    expect(settled(150e3, { motionPx: 0.2 })).toMatchObject({ fps: 12, bitrateBps: 150e3 * 0.93 });
    for (const motionPx of [0.01, 0.5, undefined]) expect(settled(150e3, { motionPx }).fps).toBe(24);
    expect(settled(3e6, { motionPx: 0.2 }).fps).toBe(24);
    expect(settled(60e3, { motionPx: 0.2, generatorFps: 12 }).fps).toBe(12);
  });

  it('does not swing between half and full rate, and leaves half at once for a new picture', () => {
    let previous: Step | undefined;
    const fps = Array.from({ length: 200 }, (_, index) => {
      const motionPx = 0.35 * (index % 2 === 0 ? 0.9 : 1.1);
      previous = next(input(150e3, { motionPx, nowUs: index * 40_000 }), previous);
      return previous.fps;
    });
    expect(fps.filter((now, index) => index > 0 && now !== fps[index - 1])).toEqual([12]);
    expect(next(input(150e3, { nowUs: 8e6 }), previous).fps).toBe(24);
    const again = next(input(150e3, { nowUs: 8e6 }), previous);
    expect(next(input(150e3, { motionPx: 0.2, nowUs: 9.9e6 }), again).fps).toBe(24);
  });

  it('goes below the frame floor only for a generator that is slower itself', () => {
    expect(next(input(10e3, { generatorFps: 12 }), undefined).fps).toBeGreaterThanOrEqual(8);
    expect(next(input(10e3, { generatorFps: 5 }), undefined).fps).toBe(5);
  });

  it('climbs at most once in two seconds and falls at once', () => {
    const low = next(input(60e3), undefined);
    const soon = next(input(3e6, { nowUs: 1_900_000 }), low);
    expect(soon.rung).toEqual(low.rung);
    const later = next(input(3e6, { nowUs: 2_000_000 }), soon);
    expect(later.rung.widthPx).toBe(512);
    expect(next(input(60e3, { nowUs: 2_000_001 }), later).rung.widthPx).toBe(128);
  });

  it('does not swing between rungs when the target does by a tenth', () => {
    let previous: Step | undefined;
    const widths = new Set<number>();
    for (let step = 0; step < 40; step++) {
      previous = next(input(step % 2 ? 95e3 : 86e3, { nowUs: step * 3e6 }), previous);
      widths.add(previous.rung.widthPx);
    }
    expect(widths.size).toBe(1);
  });

  it('climbs no more than once in two seconds whatever the target does', () => {
    const targets = fc.array(fc.integer({ min: 10_000, max: 3_000_000 }), { minLength: 100, maxLength: 100 });
    fc.assert(
      fc.property(targets, (list) => {
        let previous: Step | undefined;
        let changedUs = -Infinity;
        list.forEach((targetBps, index) => {
          const nowUs = index * 100_000;
          const now = next(input(targetBps, { nowUs }), previous);
          const up = previous !== undefined && now.rung.widthPx > previous.rung.widthPx;
          if (up) expect(nowUs - changedUs).toBeGreaterThanOrEqual(2_000_000);
          if (previous && now.rung.widthPx !== previous.rung.widthPx) changedUs = nowUs;
          previous = now;
        });
      }),
    );
  });

  it('asks for no tier that the network cannot carry', () => {
    // A sixth of what the smallest rung needs: neither refinement nor the base would be seen.
    const starved = next(input(8e3), undefined);
    expect(starved.tierCap).toBe('draft');
    // Back at the edge is not enough: a tier is taken up again only when it fits with a margin.
    const needed = (0.25 * 128 * 128 * 5) / 0.93;
    expect(next(input(needed * 1.01), { ...starved, memory: { ...starved.memory, tierCap: 'base' } }).tierCap).toBe(
      'base',
    );
    expect(next(input(needed * 1.3), { ...starved, memory: { ...starved.memory, tierCap: 'base' } }).tierCap).toBe(
      'refined',
    );
    // Pixels that the rung scales away are not made.
    expect(next(input(200e3), undefined)).toMatchObject({ rung: { widthPx: 256 }, tierCap: 'refined' });
  });

  it('spends less while the pacer holds a queue', () => {
    const calm = next(input(1e6), undefined);
    const pressed = next(input(1e6, { queueMs: 400 }), calm);
    expect(pressed.bitrateBps).toBe(calm.bitrateBps / 2);
  });

  it('never exceeds the target, the generator or the tier limit', () => {
    const inputs = fc.record({
      targetBps: fc.integer({ min: 0, max: 20_000_000 }),
      queueMs: fc.integer({ min: 0, max: 1_000 }),
      generatorFps: fc.integer({ min: 1, max: 60 }),
      stepUs: fc.integer({ min: 0, max: 5_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 30 }), (steps) => {
        let previous: Step | undefined;
        let nowUs = 0;
        for (const { stepUs, ...step } of steps) {
          nowUs += stepUs;
          previous = next(input(0, { ...step, nowUs, tierLimit: 'base' }), previous);
          expect(previous.bitrateBps).toBeLessThanOrEqual(step.targetBps);
          expect(previous.fps).toBeLessThanOrEqual(step.generatorFps);
          expect(previous.fps).toBeGreaterThanOrEqual(Math.min(8, step.generatorFps));
          expect(['draft', 'base']).toContain(previous.tierCap);
          expect(rungs).toContainEqual(previous.rung);
        }
      }),
    );
  });
});

describe('mediaTargetBps', () => {
  it('leaves everything to media where little is sent again', () => {
    expect(mediaTargetBps(1e6, 0)).toBe(1e6);
    expect(mediaTargetBps(1e6, 0.01)).toBe(1e6);
  });

  it('takes retransmissions out of the target, but never more than half of it', () => {
    expect(mediaTargetBps(1e6, 0.2)).toBeCloseTo(8.1e5);
    expect(mediaTargetBps(1e6, 0.9)).toBe(5e5);
  });
});
