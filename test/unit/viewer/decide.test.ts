/** The decision of one viewer, as a table: keyframe first, then fewer frames, then a smaller rung, then a lower tier. */
import { describe, expect, it } from 'vitest';
import type { Tier } from '../../../src/picture/tiers.ts';
import { decide, nearestMade, type DecisionMemory } from '../../../src/viewer/decide.ts';
import type { PathFacts, ViewerFacts } from '../../../src/viewer/facts.ts';

const square = (sidePx: number) => ({ widthPx: sidePx, heightPx: sidePx });
const made = (['draft', 'base', 'refined', 'upscaled'] as const).map((tier) => ({ tier, ...square(512) }));

interface Given extends Partial<PathFacts> {
  asked?: Tier;
  admitted?: Tier;
  motionPx?: number;
}

const factsOf = ({ asked = 'upscaled', admitted = 'upscaled', motionPx, ...path }: Given): ViewerFacts => ({
  path: { targetBps: 3e6, repairShare: 0, pacerQueueMs: 0, levelIdc: undefined, soundBps: 0, ...path },
  tiers: { made, asked, admitted },
  picture: { fps: 24, motionPx, rungs: [512, 256, 128].map(square) },
  presence: { shown: true, watched: true },
});

/** `24 fps 512 px upscaled`, after a decision that has settled. */
function summary(given: Given): string {
  const facts = factsOf(given);
  const { memory } = decide(facts, undefined, 0);
  const { allocation, demand } = decide(facts, memory, 3e6);
  return `${allocation.fps} fps ${allocation.rung.widthPx} px ${demand.tier}`;
}

describe('decide', () => {
  it.each<[what: string, given: Given, expected: string]>([
    ['a path that carries everything', { targetBps: 3e6 }, '24 fps 512 px upscaled'],
    ['a path that just carries the largest keyframe', { targetBps: 420e3 }, '24 fps 512 px upscaled'],
    [
      'a keyframe too large: a smaller rung, whose pixels need no upscaling',
      { targetBps: 200e3 },
      '24 fps 256 px refined',
    ],
    ['less: fewer frames before a smaller rung', { targetBps: 100e3 }, '23 fps 256 px refined'],
    ['less: the next rung at the full rate', { targetBps: 60e3 }, '24 fps 128 px refined'],
    ['less than the smallest rung needs: a lower tier', { targetBps: 20e3 }, '18 fps 128 px base'],
    ['hardly anything: drafts at the lowest rate', { targetBps: 8e3 }, '8 fps 128 px draft'],
    ['repairs take half of the path', { targetBps: 420e3, repairShare: 0.6 }, '24 fps 256 px refined'],
    ['a full pacer', { targetBps: 420e3, pacerQueueMs: 400 }, '24 fps 256 px refined'],
    ['few bits and little motion: half of the frames', { targetBps: 150e3, motionPx: 0.2 }, '12 fps 256 px refined'],
    ['a decoder that takes no more than CIF', { levelIdc: 13 }, '24 fps 256 px upscaled'],
    ['a viewer who asks for drafts', { asked: 'draft' }, '24 fps 512 px draft'],
    ['an admission that leaves base', { admitted: 'base' }, '24 fps 512 px base'],
    ['a wish below what admission leaves', { asked: 'base', admitted: 'refined' }, '24 fps 512 px base'],
    ['a path below both', { asked: 'refined', admitted: 'base', targetBps: 8e3 }, '8 fps 128 px draft'],
  ])('%s', (_, given, expected) => {
    expect(summary(given)).toBe(expected);
  });

  it('tells admission what the viewer asks for, and the stream what they can use', () => {
    const { demand, tierCap } = decide(factsOf({ admitted: 'base', targetBps: 8e3 }), undefined, 0);
    expect(demand).toEqual({ shown: true, watched: true, asked: 'upscaled', tier: 'draft', fps: 8 });
    expect(tierCap).toBe('base');
  });

  it('goes down at once and up slowly, by what it remembers and nothing else', () => {
    let memory: DecisionMemory | undefined;
    const widths = [3e6, 60e3, 3e6, 3e6].map((targetBps, index) => {
      const decision = decide(factsOf({ targetBps }), memory, index * 1.5e6);
      memory = decision.memory;
      return decision.allocation.rung.widthPx;
    });
    expect(widths).toEqual([512, 128, 128, 512]);
  });

  it.each<[asked: Tier, nearest: Tier]>([
    ['draft', 'base'],
    ['base', 'base'],
    ['upscaled', 'refined'],
  ])('takes for a wish of %s the nearest tier that is made: %s', (asked, nearest) => {
    expect(nearestMade({ made: made.slice(1, 3), asked })).toBe(nearest);
  });
});
