import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choose, type Candidate, type Need } from '../../../../src/generation/cluster/choice/choose.ts';
import { ReceiveCredit, SendCredit } from '../../../../src/generation/cluster/choice/credit.ts';
import { shouldHedge, type Waiting } from '../../../../src/generation/cluster/choice/hedging.ts';
import { Leases } from '../../../../src/generation/cluster/choice/leases.ts';
import { Members } from '../../../../src/generation/cluster/choice/members.ts';
import { BEAT_MS, Presence } from '../../../../src/generation/cluster/choice/presence.ts';
import type { Beat } from '../../../../src/generation/cluster/wire/messages.ts';

const candidate = (id: string, change: Partial<Candidate> = {}): Candidate => ({
  id,
  pack: 'p',
  state: 'ready',
  jobs: 0,
  jobsMax: 4,
  backlogMs: 0,
  costMs: 100,
  ...change,
});
const need = (change: Partial<Need> = {}): Need => ({
  pack: 'p',
  stream: 's',
  lease: undefined,
  dueInMs: 500,
  excluded: new Set(),
  ...change,
});

describe('the choice of a worker', () => {
  const cases: readonly [string, Candidate[], Need, string | undefined][] = [
    ['none', [], need(), undefined],
    ['another pack', [candidate('a', { pack: 'q' })], need(), undefined],
    ['warming', [candidate('a', { state: 'warming' })], need(), undefined],
    ['draining', [candidate('a', { state: 'draining' }), candidate('b', { backlogMs: 900 })], need(), 'b'],
    ['full', [candidate('a', { jobs: 4 })], need(), undefined],
    ['excluded', [candidate('a'), candidate('b', { backlogMs: 900 })], need({ excluded: new Set(['a']) }), 'b'],
    ['the shortest queue', [candidate('a', { backlogMs: 300 }), candidate('b')], need(), 'b'],
    ['the faster machine', [candidate('a', { costMs: 300 }), candidate('b')], need(), 'b'],
    ['the lease holder', [candidate('a'), candidate('b', { backlogMs: 40 })], need({ lease: 'b' }), 'b'],
    ['the lease holder behind', [candidate('a'), candidate('b', { backlogMs: 90 })], need({ lease: 'b' }), 'a'],
    ['no deadline', [candidate('a', { backlogMs: 80 }), candidate('b')], need({ dueInMs: undefined }), 'b'],
  ];
  it.each(cases)('%s', (_name, candidates, asked, chosen) => {
    expect(choose(candidates, asked)).toBe(chosen);
    expect(choose(candidates.toReversed(), asked)).toBe(chosen);
  });

  it('spreads streams, and moves only those of a worker that leaves', () => {
    const workers = Array.from({ length: 8 }, (_, index) => candidate(`worker-${index}`));
    const of = (list: readonly Candidate[]): Map<string, string | undefined> =>
      new Map(Array.from({ length: 800 }, (_, stream) => [`${stream}`, choose(list, need({ stream: `${stream}` }))]));
    const before = of(workers);
    const shares = workers.map(({ id }) => [...before.values()].filter((chosen) => chosen === id).length);
    expect(Math.min(...shares)).toBeGreaterThan(60);
    const after = of(workers.slice(1));
    for (const [stream, chosen] of before) if (chosen !== 'worker-0') expect(after.get(stream)).toBe(chosen);
  });

  it('never takes one that may not', () => {
    const anyCandidate = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      pack: fc.constantFrom('p', 'q'),
      state: fc.constantFrom('ready' as const, 'warming' as const, 'draining' as const),
      jobs: fc.nat(4),
      jobsMax: fc.nat(4),
      backlogMs: fc.nat(1_000),
      costMs: fc.nat(1_000),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(anyCandidate, { selector: ({ id }) => id }),
        fc.constantFrom(undefined, 'a', 'b'),
        (list, lease) => {
          const chosen = choose(list, need({ lease, excluded: new Set(['d']) }));
          const able = list.filter(
            ({ id, pack, state, jobs, jobsMax }) => id !== 'd' && pack === 'p' && state === 'ready' && jobs < jobsMax,
          );
          expect(able.some(({ id }) => id === chosen)).toBe(able.length > 0);
        },
      ),
    );
  });
});

describe('hedging', () => {
  const slow: Waiting = { waitedMs: 300, expectedMs: 100, dueInMs: 200, otherMs: 100, hedged: false };
  it.each([
    ['slow, due, and another idles', {}, true],
    ['once', { hedged: true }, false],
    ['without a deadline', { dueInMs: undefined }, false],
    ['without an idle worker', { otherMs: undefined }, false],
    ['not yet slow', { waitedMs: 150 }, false],
    ['noise', { waitedMs: 40, expectedMs: 1 }, false],
    ['there is time', { dueInMs: 900 }, false],
    ['cost unknown', { expectedMs: 0 }, false],
    ['already late', { dueInMs: -500 }, true],
  ] as const)('%s', (_name, change, hedges) => {
    expect(shouldHedge({ ...slow, ...change })).toBe(hedges);
  });
});

describe('presence', () => {
  const at = (ms: number): number => ms * 1_000;

  it('is over after three missing beats, not after two', () => {
    const presence = new Presence();
    presence.see('a', at(0));
    for (let ms = 125; ms <= 750; ms += 125) expect(presence.sweep(at(ms))).toEqual([]);
    expect([...presence.sweep(at(875)), ...presence.sweep(at(1_000))]).toEqual(['a']);
    expect(presence.has('a')).toBe(false);
  });

  it('does not count the time in which this process stood still', () => {
    const presence = new Presence();
    presence.see('a', at(0));
    presence.sweep(at(125));
    expect(presence.sweep(at(9_000))).toEqual([]);
    presence.see('a', at(9_010));
    expect(presence.sweep(at(9_125))).toEqual([]);
    const late = new Presence();
    late.see('a', at(0));
    expect(late.sweep(at(9_000))).toEqual([]);
  });

  it('keeps whoever beats in time, whatever the order of beats and looks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 * BEAT_MS }), { maxLength: 60 }), (gaps) => {
        const presence = new Presence();
        let ms = 0;
        presence.see('a', 0);
        for (const gap of gaps) {
          ms += gap;
          expect(presence.sweep(at(ms))).toEqual([]);
          presence.see('a', at(ms));
        }
      }),
    );
  });
});

describe('members', () => {
  const beat = (change: Partial<Beat>): Beat => ({
    type: 'beat',
    id: 'a',
    name: 'host',
    pack: 'p',
    state: 'ready',
    count: 1,
    jobs: 0,
    leases: 0,
    jobsMax: 4,
    backlogMs: 0,
    costsMs: {},
    ...change,
  });

  it('takes newer beats only, and tells two of one name apart', () => {
    const members = new Members();
    expect(members.take(beat({ count: 2 }), 0)).toBe('joined');
    expect(members.take(beat({ count: 1, state: 'warming' }), 1)).toBe('stale');
    expect(members.take(beat({ count: 3, state: 'draining' }), 2)).toBe('seen');
    expect(members.take(beat({ id: 'b' }), 3)).toBe('joined');
    expect(members.all.map(({ id, name, state }) => `${id} ${name} ${state}`)).toEqual([
      'a host draining',
      'b host ready',
    ]);
    members.forget('a');
    expect(members.get('a')).toBeUndefined();
  });

  it('is bounded, whoever invents names', () => {
    const members = new Members();
    for (let index = 0; index < 20_000; index++) members.take(beat({ id: `n${index}` }), 0);
    expect(members.all.length).toBe(16_384);
    expect(members.take(beat({ id: 'n5', count: 2 }), 1)).toBe('seen');
  });
});

describe('leases', () => {
  it('are granted, renewed, moved, and end', () => {
    const leases = new Leases(2);
    expect([leases.renew('s', 'g', 0), leases.renew('t', 'g', 1), leases.renew('u', 'g', 2)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(leases.renew('s', 'h', 5_000_000)).toBe(true);
    expect(leases.newest(9).map(({ stream, gateway }) => `${stream}${gateway}`)).toEqual(['sh', 'tg']);
    leases.expire(10_500_000);
    expect(leases.newest(9).map(({ stream }) => stream)).toEqual(['s']);
    leases.endOf('g');
    expect(leases.size).toBe(1);
    leases.endOf('h');
    expect(leases.size).toBe(0);
  });
});

describe('credit', () => {
  it('lets the sender send for ever, and never more than the window ahead', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 256 }), { maxLength: 300 }), (chunks) => {
        const window = 1_024;
        const [sender, receiver] = [new SendCredit(window, window), new ReceiveCredit(window)];
        for (const bytes of chunks) {
          expect(sender.take(bytes)).toBe(true);
          expect(receiver.receive(bytes)).toBe(true);
          sender.add(receiver.due());
        }
      }),
    );
  });

  it('notices a sender that sends more than it may', () => {
    const receiver = new ReceiveCredit(1_000);
    expect([receiver.receive(600), receiver.receive(400), receiver.receive(1)]).toEqual([true, true, false]);
    const sender = new SendCredit(10, 1_000);
    sender.add(1e9);
    expect([sender.take(1_000), sender.take(1)]).toEqual([true, false]);
  });
});
