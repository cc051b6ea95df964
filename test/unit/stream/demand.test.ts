/** What is worth making, as a table of those who watch. */
import { describe, expect, it } from 'vitest';
import { Audience } from '../../../src/stream/audience.ts';
import { demandOf, NO_DEMAND, type Demand } from '../../../src/stream/demand.ts';

const present: Demand = { shown: true, watched: true, asked: 'refined', tier: 'refined', fps: 24 };
/** On a path that carries drafts. */
const weak: Demand = { ...present, tier: 'draft', fps: 8 };
/** Gone, and may be back in a moment. */
const left: Demand = { ...present, shown: false };
const gone: Demand = { ...left, watched: false };

describe('demandOf', () => {
  it.each<[what: string, wants: Demand[], expected: Partial<Demand>]>([
    ['nobody: nothing', [], NO_DEMAND],
    ['one viewer: what they can use', [weak], weak],
    [
      'two: the better of both',
      [weak, { ...present, asked: 'upscaled' }],
      { asked: 'upscaled', tier: 'refined', fps: 24 },
    ],
    ['a weak path lowers nobody else', [present, weak], present],
    [
      'everyone has just left: pictures for their return, but the playhead stands',
      [left],
      { shown: false, watched: true },
    ],
    ['everyone is gone: nothing is computed, and the tiers stay', [gone], { watched: false, tier: 'refined' }],
    ['one is gone and one watches: the tiers of whoever watches', [gone, weak], weak],
    ['one has left and one watches: both count', [left, weak], { shown: true, watched: true, tier: 'refined' }],
  ])('%s', (_, wants, expected) => {
    expect(demandOf(wants)).toMatchObject(expected);
  });
});

describe('an audience', () => {
  it('pushes what has changed, and nothing for whoever has left', () => {
    const pushed: Demand[] = [];
    const audience = new Audience({ demand: (demand) => pushed.push(demand) });
    const one = audience.join(weak);
    const two = audience.join(present);
    one.want({ ...weak, fps: 12 });
    two.leave();
    two.leave();
    two.want(present);
    one.leave();
    expect(pushed).toEqual([weak, present, { ...weak, fps: 12 }, NO_DEMAND]);
    expect(audience.size).toBe(0);
  });
});
