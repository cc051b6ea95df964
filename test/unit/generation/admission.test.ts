/** Admission in virtual time, on a machine where a slice of 1000 ms costs 100 (draft), 200 (to base), 500 (to refined). */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Admission,
  type AdmissionOptions,
  type Applicant,
  type Ticket,
} from '../../../src/generation/engine/admission.ts';
import { shareOut, type Sharer } from '../../../src/generation/engine/load-sharing.ts';
import { gradeRank, GRADES, lowerGrade } from '../../../src/generation/grades.ts';
import type { Tier } from '../../../src/picture/tiers.ts';
import { WorkCosts } from '../../../src/generation/engine/work-costs.ts';
import { clockAt } from '../../support/clock-at.ts';

/** What slices of such a machine cost while others take most of it. */
const BUSY = [
  ['draft', 200],
  ['base', 400],
  ['refined-fast', 400],
  ['refined', 1200],
] as const;

function setUp(options: Partial<AdmissionOptions> = {}) {
  let nowUs = 0;
  const costs = new WorkCosts();
  costs.observe('draft', 100);
  costs.observe('base', 100);
  costs.observe('refined', 300);
  const admission = new Admission({
    clock: clockAt(() => nowUs),
    costs,
    sliceMs: 1000,
    capacity: 0.85,
    lowestTier: 'base',
    queueMax: 2,
    ...options,
  });
  const changes: string[] = [];
  const enter = (name: string, over: Partial<Applicant> = {}): Ticket => {
    const ticket = admission.enter({ wanted: 'refined', ...over }, () =>
      changes.push(`${name}: ${ticket.position} ${ticket.tierCap}`),
    );
    return ticket;
  };
  return { admission, costs, enter, changes, advance: (ms: number) => (nowUs += ms * 1000) };
}

describe('admission', () => {
  it('lowers tier caps before it lets anyone wait, the newest first', () => {
    const { enter, changes } = setUp();
    const first = enter('first');
    const second = enter('second');
    expect([first.tierCap, second.tierCap]).toEqual(['refined', 'base']);
    const third = enter('third');
    expect([first, second, third].map(({ admitted }) => admitted)).toEqual([true, true, true]);
    expect(third.tierCap).toBe('base');
    enter('fourth');
    expect(changes).toEqual(['first: 0 base']);
  });

  it('has room for more when more machines compute, and keeps whom it has when some leave', () => {
    const { admission, enter } = setUp();
    const tickets = Array.from({ length: 6 }, (_, index) => enter(`${index}`));
    expect(tickets.filter(({ admitted }) => admitted)).toHaveLength(4);
    admission.machines = 3;
    expect(tickets.filter(({ admitted }) => admitted)).toHaveLength(6);
    expect(tickets.filter(({ tierCap }) => tierCap === 'refined').length).toBeGreaterThan(1);
    admission.machines = 1;
    expect(tickets.map(({ admitted, tierCap }) => admitted && tierCap)).toEqual(
      Array.from({ length: 6 }, () => 'base'),
    );
  });

  it('lets a clip have every tier in time left over: it takes no more of the load than its lowest one', () => {
    const { enter, admission } = setUp();
    const clip = enter('clip', { patient: true });
    expect(admission.load).toBeCloseTo(0.2);
    const live = enter('live');
    expect([clip.tierCap, live.tierCap]).toEqual(['refined', 'refined']);
    for (let i = 0; i < 2; i++) expect(enter(`session ${i}`).admitted).toBe(true);
    expect(enter('one too many').admitted).toBe(false);
    expect(clip.tierCap).toBe('refined');
  });

  it('lets a session wait that would make running ones late, and tells its place', () => {
    const { enter } = setUp();
    for (let i = 0; i < 4; i++) expect(enter(`session ${i}`).admitted).toBe(true);
    const fifth = enter('fifth');
    expect(fifth).toMatchObject({ admitted: false, position: 1 });
    expect(enter('sixth')).toMatchObject({ admitted: false, position: 2 });
  });

  it('admits whoever waits longest when a session ends, and moves the others up', () => {
    const { enter, changes } = setUp();
    const running = Array.from({ length: 4 }, (_, index) => enter(`running ${index}`));
    const fifth = enter('fifth');
    const sixth = enter('sixth');
    changes.length = 0;
    running[2]?.leave();
    expect(fifth.admitted).toBe(true);
    expect(sixth).toMatchObject({ admitted: false, position: 1 });
    expect(changes).toEqual(['fifth: 0 base', 'sixth: 1 base']);
    running[2]?.leave();
    expect(sixth.admitted).toBe(false);
  });

  it('estimates the wait from how long sessions stay, and says nothing while none has ended', () => {
    const { enter, advance } = setUp();
    const running = Array.from({ length: 4 }, (_, index) => enter(`running ${index}`));
    const fifth = enter('fifth');
    expect(fifth.waitMs).toBeNull();
    advance(60_000);
    running[0]?.leave();
    const sixth = enter('sixth');
    // Four stay for a minute each: a place every quarter of a minute.
    expect(sixth).toMatchObject({ position: 1, waitMs: 15_000 });
    expect(enter('seventh')).toMatchObject({ position: 2, waitMs: 30_000 });
  });

  it('refuses when its queue is full, and says when to try again', () => {
    const { enter, advance } = setUp();
    const running = Array.from({ length: 4 }, (_, index) => enter(`running ${index}`));
    advance(40_000);
    running[3]?.leave();
    enter('running again');
    enter('fifth');
    enter('sixth');
    expect(() => enter('seventh')).toThrow(expect.objectContaining({ code: 'SESSION_LIMIT', retryAfterMs: 20_000 }));
  });

  it('counts a finished clip as no load', () => {
    const { admission, enter, advance } = setUp();
    const clips = Array.from({ length: 4 }, (_, index) => enter(`clip ${index}`));
    const fifth = enter('fifth');
    for (const clip of clips) clip.update({ computing: false });
    advance(1000);
    admission.review();
    expect(fifth.admitted).toBe(true);
  });

  it('counts as no load whom nobody watches, and as load again when he is back, without throwing anybody out', () => {
    const { admission, enter, advance } = setUp();
    const away = enter('away');
    for (let i = 0; i < 3; i++) enter(`running ${i}`);
    const fifth = enter('fifth');
    expect(fifth.admitted).toBe(false);
    away.update({ watched: false });
    advance(1000);
    admission.review();
    expect(fifth.admitted).toBe(true);
    expect(admission.load).toBeLessThanOrEqual(0.85);
    away.update({ watched: true });
    advance(1000);
    admission.review();
    expect([away, fifth].map(({ admitted, tierCap }) => [admitted, tierCap])).toEqual([
      [true, 'base'],
      [true, 'base'],
    ]);
    expect(admission.load).toBeCloseTo(1);
    expect(enter('sixth').admitted).toBe(false);
  });

  it('passes by whoever waits and is gone, and does not take his place in the line from him', () => {
    const { enter, admission } = setUp({ queueMax: 3 });
    const running = Array.from({ length: 4 }, (_, index) => enter(`running ${index}`));
    const away = enter('away');
    const present = enter('present');
    expect([away.position, present.position]).toEqual([1, 2]);
    away.update({ watched: false });
    admission.review();
    expect([away.position, present.position]).toEqual([1, 1]);
    running[0]?.leave();
    expect([away.admitted, present.admitted]).toEqual([false, true]);
    const later = enter('later');
    away.update({ watched: true });
    running[1]?.leave();
    expect([away.admitted, later.admitted]).toEqual([true, false]);
  });

  it('does not lift a finished clip that it would have to lower again at once', () => {
    const finished = { wanted: 'refined', current: 'base', computing: false, patient: false } as const;
    const live = { wanted: 'base', current: 'base', computing: true, patient: false } as const;
    const loads = { draft: 0.1, base: 0.3, 'refined-fast': 0.4, refined: 0.6, upscaled: 0.9 };
    const caps = shareOut([finished, live], { capacity: 0.8, lowest: 'base', loadOf: (cap) => loads[cap] });
    expect(caps).toEqual(['base', 'base']);
  });

  it('gives tiers back only with room to spare', () => {
    const { admission, costs, enter, advance } = setUp({ capacity: 0.5 });
    const only = enter('only');
    expect(only.tierCap).toBe('refined');
    for (let i = 0; i < 20; i++) costs.observe('refined', 400);
    const review = () => {
      advance(1000);
      admission.review();
    };
    review();
    expect(only.tierCap).toBe('base');
    for (let i = 0; i < 50; i++) costs.observe('refined', 290);
    review();
    expect(only.tierCap).toBe('base');
    for (let i = 0; i < 50; i++) costs.observe('refined', 200);
    review();
    expect(only.tierCap).toBe('refined');
  });

  it('admits everyone to a generator that is too slow for even one', () => {
    const { costs, enter } = setUp();
    for (let i = 0; i < 50; i++) costs.observe('base', 5000);
    expect([enter('first'), enter('second')].map(({ admitted, tierCap }) => [admitted, tierCap])).toEqual([
      [true, 'refined'],
      [true, 'refined'],
    ]);
  });

  it('keeps everyone below the ceiling of low-memory mode', () => {
    const { admission, enter } = setUp();
    const ticket = enter('first');
    admission.ceiling = 'draft';
    expect(ticket.tierCap).toBe('draft');
    admission.ceiling = undefined;
    expect(ticket.tierCap).toBe('refined');
  });

  it('makes a tier the fast way before it is not made at all, the newest first', () => {
    const { costs, enter, changes } = setUp({ hasFast: true });
    costs.observe('refined-fast', 50);
    const first = enter('first');
    const second = enter('second');
    expect([first, second].map(({ tierCap, gradeCap }) => [tierCap, gradeCap])).toEqual([
      ['refined', 'refined'],
      ['refined', 'refined-fast'],
    ]);
    expect([enter('third').gradeCap, first.gradeCap, second.gradeCap]).toEqual([
      'refined-fast',
      'refined-fast',
      'refined-fast',
    ]);
    expect(changes).toEqual(['first: 0 refined']);
    expect(enter('fourth').gradeCap).toBe('base');
  });

  it('leaves the fast way to who is alone, however busy the machine', () => {
    const { costs, enter } = setUp({ hasFast: true });
    for (let i = 0; i < 50; i++) for (const [grade, ms] of BUSY) costs.observe(grade, ms);
    const only = enter('only');
    expect([only.tierCap, only.gradeCap]).toEqual(['refined', 'refined-fast']);
    const second = enter('second');
    expect([only.gradeCap, second.admitted]).toEqual(['refined-fast', false]);
  });

  it('takes the fast way for the lowest tier that a newcomer may push others to', () => {
    const { costs, enter } = setUp({ hasFast: true, lowestTier: 'refined' });
    costs.observe('refined-fast', 50);
    const tickets = Array.from({ length: 4 }, (_, index) => enter(`session ${index}`));
    expect(tickets.map(({ admitted }) => admitted)).toEqual([true, true, true, false]);
    expect(tickets[2]?.gradeCap).toBe('refined-fast');
  });

  it('never plans more load than there is, whoever asks for what, but for who computes alone', () => {
    const tier = fc.constantFrom<Tier>('draft', 'base', 'refined', 'upscaled');
    const sharer = fc.record({
      wanted: tier,
      current: fc.option(fc.constantFrom(...GRADES), { nil: undefined }),
      computing: fc.boolean(),
      patient: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(sharer, { maxLength: 12 }),
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        fc.boolean(),
        (all, capacity, hasFast) => {
          const loads = { draft: 0.05, base: 0.15, 'refined-fast': 0.25, refined: 0.4, upscaled: 0.9 };
          const caps = shareOut(all, { capacity, lowest: 'base', loadOf: (cap) => loads[cap], hasFast });
          const load =
            caps?.reduce((sum, cap, index) => {
              const { computing, patient, current = 'upscaled' } = all[index] as Sharer;
              const needed = patient ? lowerGrade(cap, 'base') : cap;
              return sum + (computing || gradeRank(cap) > gradeRank(current) ? loads[needed] : 0);
            }, 0) ?? 0;
          const alone = hasFast && all.filter(({ computing }) => computing).length === 1 ? loads['refined-fast'] : 0;
          expect(load).toBeLessThanOrEqual(capacity + alone + 1e-9);
        },
      ),
    );
  });
});
