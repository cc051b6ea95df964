/** What the scheduler begins behind the unit that runs: under a clock that stands still, on a thread that runs one unit at a time. */
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../../src/errors.ts';
import type { UnitOfWork } from '../../../src/generation/generator.ts';
import { Scheduler, type SchedulerOptions } from '../../../src/generation/engine/scheduler.ts';
import { RANKS, type Rank } from '../../../src/generation/engine/turn-order.ts';
import { clockAt } from '../../support/clock-at.ts';

interface Held {
  name: string;
  end(): void;
  drop(): void;
}

/** Stands for the inference thread: the first unit it has runs until it is ended, the others wait behind it. */
class OneUnitThread {
  readonly held: Held[] = [];
  /** Every unit that ever ran, in order. */
  readonly ran: string[] = [];

  unit(name: string, after?: UnitOfWork, kind = name): UnitOfWork {
    let own: Held | undefined;
    const run = (): Promise<void> =>
      new Promise((resolve, reject) => {
        own = { name, end: resolve, drop: () => reject(new GlimpseError('ABORTED')) };
        this.held.push(own);
        if (this.held.length === 1) this.ran.push(name);
      });
    const withdraw = (): boolean => {
      const index = own ? this.held.indexOf(own) : -1;
      if (index < 1) return false;
      this.held.splice(index, 1);
      own?.drop();
      return true;
    };
    return { kind, run, withdraw, ...(after && { after }) };
  }

  get names(): string[] {
    return this.held.map(({ name }) => name);
  }

  async endRunning(): Promise<void> {
    const [running, next] = this.held;
    this.held.shift();
    if (next) this.ran.push(next.name);
    running?.end();
    await turnOfLoop();
    await turnOfLoop();
  }
}

function setUp(options: Partial<SchedulerOptions> = {}) {
  const thread = new OneUnitThread();
  const scheduler = new Scheduler({ clock: clockAt(() => 0), ...options });
  const ask = (unit: UnitOfWork, rank: Rank, user = 'one', { signal } = new AbortController()): Promise<void> => {
    const done = scheduler.turn(unit, { rank, deadlineUs: 0, costMs: 0, user, weight: 1 }, signal);
    done.catch(() => {});
    return done;
  };
  return { thread, scheduler, ask };
}

describe('the next unit of the job that runs', () => {
  it('waits in the thread, and runs with no turn of anybody in between', async () => {
    const { thread, scheduler, ask } = setUp();
    const step = thread.unit('step');
    void ask(step, RANKS.playhead);
    const decoded = ask(thread.unit('decode', step), RANKS.playhead);
    expect(thread.names).toEqual(['step', 'decode']);
    await thread.endRunning();
    expect(thread.names).toEqual(['decode']);
    await thread.endRunning();
    await decoded;
    expect(scheduler.length).toBe(0);
  });

  it('is taken back when somebody more urgent comes, who goes first; it runs later, once', async () => {
    const { thread, ask } = setUp();
    const step = thread.unit('step');
    void ask(step, RANKS.polish);
    const decoded = ask(thread.unit('decode', step), RANKS.polish);
    void ask(thread.unit('draft'), RANKS.firstPicture, 'newcomer');
    expect(thread.names).toEqual(['step']);
    await thread.endRunning();
    expect(thread.names).toEqual(['draft']);
    await thread.endRunning();
    await thread.endRunning();
    await decoded;
    expect(thread.ran).toEqual(['step', 'draft', 'decode']);
  });

  it('never runs when it was taken back and then aborted', async () => {
    const { thread, ask } = setUp();
    const step = thread.unit('step');
    const caller = new AbortController();
    void ask(step, RANKS.polish);
    const aborted = expect(ask(thread.unit('decode', step), RANKS.polish, 'one', caller)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    void ask(thread.unit('draft'), RANKS.firstPicture, 'newcomer');
    caller.abort();
    await aborted;
    await thread.endRunning();
    await thread.endRunning();
    expect(thread.ran).toEqual(['step', 'draft']);
    expect(thread.names).toEqual([]);
  });

  it('stays where it is when somebody less urgent comes', async () => {
    const { thread, ask } = setUp();
    const step = thread.unit('step');
    void ask(step, RANKS.playhead);
    void ask(thread.unit('decode', step), RANKS.playhead);
    void ask(thread.unit('polish'), RANKS.polish, 'another');
    expect(thread.names).toEqual(['step', 'decode']);
    await thread.endRunning();
    expect(thread.names).toEqual(['decode']);
  });

  it('does not begin before the unit it goes on from, which others may go before', async () => {
    const { thread, ask } = setUp({ batchSize: () => 2 });
    void ask(thread.unit('blocker'), RANKS.firstPicture, 'another');
    const step = thread.unit('step 1', undefined, 'denoiser');
    void ask(step, RANKS.playhead);
    void ask(thread.unit('step 2', step, 'denoiser'), RANKS.playhead);
    expect(thread.names).toEqual(['blocker']);
    await thread.endRunning();
    expect(thread.names).toEqual(['step 1', 'step 2']);
  });

  it('is the only one begun early: of another job none is, so that its owner may still be overtaken', () => {
    const { thread, ask } = setUp();
    void ask(thread.unit('step'), RANKS.playhead);
    void ask(thread.unit('other step'), RANKS.playhead, 'another');
    expect(thread.names).toEqual(['step']);
  });

  it('waits for others of its kind where they run as one', () => {
    const { thread, ask } = setUp({ batchSize: () => 2 });
    const step = thread.unit('step 1', undefined, 'denoiser');
    void ask(step, RANKS.playhead);
    void ask(thread.unit('step 2', step, 'denoiser'), RANKS.playhead);
    expect(thread.names).toEqual(['step 1', 'step 2']);
    void ask(thread.unit('other step', undefined, 'denoiser'), RANKS.playhead, 'another');
    expect(thread.names).toEqual(['step 1']);
  });
});
