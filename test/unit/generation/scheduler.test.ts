/** The scheduler under a clock that stands still unless told, with units that run until they are let go. */
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Scheduler, type Claim, type SchedulerOptions } from '../../../src/generation/engine/scheduler.ts';
import { RANKS, type Rank } from '../../../src/generation/engine/turn-order.ts';
import { clockAt } from '../../support/clock-at.ts';

interface Running {
  name: string;
  end(error?: Error): Promise<void>;
}

function setUp(options: Partial<SchedulerOptions> = {}) {
  let nowUs = 0;
  const scheduler = new Scheduler({ clock: clockAt(() => nowUs), ...options });
  const running: Running[] = [];
  const claimOf = (rank: Rank, user: string): Claim => ({ rank, deadlineUs: nowUs, costMs: 0, user, weight: 1 });
  const ask = (name: string, rank: Rank, { signal = new AbortController().signal, kind = name, user = name } = {}) => {
    const claim = claimOf(rank, user);
    const run = (): Promise<void> =>
      new Promise<void>((resolve, reject) => {
        const end = async (error?: Error): Promise<void> => {
          running.splice(running.indexOf(self), 1);
          if (error) reject(error);
          else resolve();
          await settle();
        };
        const self = { name, end };
        running.push(self);
      });
    const done = scheduler.turn({ kind, run }, claim, signal);
    done.catch(() => {});
    return { done, claim };
  };
  return { scheduler, running, ask, advance: (ms: number) => (nowUs += ms * 1000) };
}

const settle = async (): Promise<void> => {
  await turnOfLoop();
  await turnOfLoop();
};

describe('scheduler', () => {
  it('preempts between steps: a draft asked for meanwhile runs before the next step of a refinement', async () => {
    const { running, ask } = setUp();
    ask('refine step 1', RANKS.polish);
    await settle();
    ask('refine step 2', RANKS.polish);
    ask('draft', RANKS.firstPicture);
    expect(running.map(({ name }) => name)).toEqual(['refine step 1']);
    await running[0]?.end();
    expect(running.map(({ name }) => name)).toEqual(['draft']);
    await running[0]?.end();
    expect(running.map(({ name }) => name)).toEqual(['refine step 2']);
  });

  it('lets a job go on with its next step before less urgent ones that were there first', async () => {
    const { scheduler, running, ask } = setUp();
    const twoSteps = (async () => {
      await ask('draft step', RANKS.firstPicture).done;
      await ask('draft decode', RANKS.firstPicture).done;
    })();
    ask('polish', RANKS.polish);
    await settle();
    await running[0]?.end();
    expect(running.map(({ name }) => name)).toEqual(['draft decode']);
    await running[0]?.end();
    await twoSteps;
    expect(scheduler.length).toBe(0);
    expect(running.map(({ name }) => name)).toEqual(['polish']);
  });

  it('reads claims when it decides: polish that the playhead has reached is no longer polish', async () => {
    const { running, ask } = setUp();
    ask('blocker', RANKS.firstPicture);
    ask('polish', RANKS.polish);
    const reached = ask('reached', RANKS.polish);
    Object.assign(reached.claim, { rank: RANKS.playhead });
    await settle();
    await running[0]?.end();
    expect(running.map(({ name }) => name)).toEqual(['reached']);
  });

  it('runs units of one kind together up to the batch size, and says so', async () => {
    const taken: number[] = [];
    const { running, ask } = setUp({ batchSize: () => 3, onTurn: ({ batchSize }) => taken.push(batchSize) });
    ask('blocker', RANKS.playhead);
    for (const name of ['a', 'b', 'c', 'd']) ask(name, RANKS.playhead, { kind: 'denoiser' });
    await settle();
    await running[0]?.end();
    expect(running.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    while (running[0]?.name !== 'd') await running[0]?.end();
    expect(running.map(({ name }) => name)).toEqual(['d']);
    expect(taken).toEqual([1, 3, 3, 3, 1]);
  });

  it('fails a unit alone: the rest of its batch and the queue go on', async () => {
    const { running, ask } = setUp({ batchSize: () => 2 });
    ask('blocker', RANKS.playhead);
    const broken = ask('broken', RANKS.playhead, { kind: 'denoiser' });
    const whole = ask('whole', RANKS.playhead, { kind: 'denoiser' });
    await settle();
    await running[0]?.end();
    await running[0]?.end(new Error('broken'));
    await running[0]?.end();
    await expect(broken.done).rejects.toThrow('broken');
    await expect(whole.done).resolves.toBeUndefined();
  });

  it('charges users for what they ran, so that one with many jobs gets no more than his share', async () => {
    const { running, ask, advance } = setUp();
    const ran: string[] = [];
    for (let i = 0; i < 8; i++) ask(`greedy ${i}`, RANKS.playhead, { user: 'greedy' });
    for (let i = 0; i < 4; i++) ask(`modest ${i}`, RANKS.playhead, { user: 'modest' });
    await settle();
    for (let i = 0; i < 8; i++) {
      ran.push(running[0]?.name.split(' ')[0] ?? '');
      advance(100);
      await running[0]?.end();
    }
    expect(ran.filter((user) => user === 'modest').length).toBeGreaterThanOrEqual(3);
    expect(ran.indexOf('modest')).toBeLessThanOrEqual(3);
  });

  it('measures how long turns wait and what units cost', async () => {
    const waits: number[] = [];
    const { scheduler, running, ask, advance } = setUp({ onTurn: ({ waitedMs }) => waits.push(waitedMs) });
    ask('first', RANKS.playhead, { kind: 'denoiser' });
    ask('second', RANKS.playhead, { kind: 'denoiser' });
    await settle();
    advance(30);
    await running[0]?.end();
    expect(waits).toEqual([0, 30]);
    expect(scheduler.costs.unitMs('denoiser')).toBe(30);
  });

  it('drops what is aborted while it waits', async () => {
    const { scheduler, running, ask } = setUp();
    ask('blocker', RANKS.playhead);
    const abort = new AbortController();
    const dropped = ask('dropped', RANKS.firstPicture, { signal: abort.signal });
    await settle();
    abort.abort();
    await expect(dropped.done).rejects.toMatchObject({ code: 'ABORTED' });
    expect(scheduler.length).toBe(0);
    await running[0]?.end();
    expect(running).toEqual([]);
  });

  it('is bounded', async () => {
    const { ask } = setUp();
    for (let i = 0; i < 513; i++) ask(`unit ${i}`, RANKS.playhead);
    await expect(ask('one more', RANKS.firstPicture).done).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('refuses and drops when closed', async () => {
    const { scheduler, ask } = setUp();
    ask('running', RANKS.playhead);
    await settle();
    const waiting = ask('waiting', RANKS.playhead);
    scheduler.close();
    await expect(waiting.done).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(ask('late', RANKS.playhead).done).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
