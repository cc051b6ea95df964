/** What the scheduler gives out behind the batch that runs: under a clock that stands still, before a process that runs one batch at a time. */
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BatchRunner, StartedBatch, UnitOfWork } from '../../../src/generation/generator.ts';
import { Scheduler, type SchedulerOptions } from '../../../src/generation/engine/scheduler.ts';
import { RANKS, type Rank } from '../../../src/generation/engine/turn-order.ts';
import { clockAt } from '../../support/clock-at.ts';

interface Held {
  names: readonly string[];
  end(results: readonly PromiseSettledResult<void>[] | undefined): void;
}

type NamedUnit = UnitOfWork & { name: string };

/** Stands for the inference process: its first batch runs until it is ended, the others wait behind it. */
class FakeProcess implements BatchRunner {
  readonly held: Held[] = [];
  /** Every batch that ever ran, in order. */
  readonly ran: string[] = [];
  /** Whether it answers at once that it has withdrawn a batch. */
  answersAtOnce = true;
  mayFollow = (): boolean => true;

  unit(name: string, after?: UnitOfWork, kind = name): NamedUnit {
    return { name, kind, after, batches: this, run: () => Promise.reject(new Error('a batch is asked for')) };
  }

  start(units: readonly NamedUnit[]): StartedBatch {
    const { promise: ended, resolve } = Promise.withResolvers<readonly PromiseSettledResult<void>[] | undefined>();
    const held: Held = { names: units.map(({ name }) => name), end: resolve };
    this.held.push(held);
    if (this.held.length === 1) this.ran.push(held.names.join());
    return { ended, withdraw: () => this.answersAtOnce && this.#withdraw(held) };
  }

  get names(): string[] {
    return this.held.map(({ names }) => names.join());
  }

  async endRunning(): Promise<void> {
    const [running, next] = this.held;
    this.held.shift();
    if (next) this.ran.push(next.names.join());
    running?.end(running.names.map(() => ({ status: 'fulfilled', value: undefined })));
    await settle();
  }

  /** The last one never runs. */
  async withdrawLast(): Promise<void> {
    const last = this.held.at(-1);
    if (last) this.#withdraw(last);
    await settle();
  }

  #withdraw(held: Held): void {
    const index = this.held.indexOf(held);
    if (index < 1) return;
    this.held.splice(index, 1);
    held.end(undefined);
  }
}

const settle = async (): Promise<void> => {
  await turnOfLoop();
  await turnOfLoop();
};

function setUp(options: Partial<SchedulerOptions> = {}) {
  const thread = new FakeProcess();
  const scheduler = new Scheduler({ clock: clockAt(() => 0), ...options });
  const ask = (unit: UnitOfWork, rank: Rank, user = 'one', { signal } = new AbortController()): Promise<void> => {
    const done = scheduler.turn(unit, { rank, deadlineUs: 0, costMs: 0, user, weight: 1 }, signal);
    done.catch(() => {});
    return done;
  };
  return { thread, scheduler, ask };
}

describe('the next unit of the job that runs', () => {
  it('waits in the process, and runs with no turn of anybody in between', async () => {
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
    await settle();
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

  it('waits for others of its kind where they run as one', async () => {
    const { thread, ask } = setUp({ batchSize: () => 2 });
    const step = thread.unit('step 1', undefined, 'denoiser');
    void ask(step, RANKS.playhead);
    void ask(thread.unit('step 2', step, 'denoiser'), RANKS.playhead);
    expect(thread.names).toEqual(['step 1', 'step 2']);
    void ask(thread.unit('other step', undefined, 'denoiser'), RANKS.playhead, 'another');
    await settle();
    expect(thread.names).toEqual(['step 1']);
    await thread.endRunning();
    expect(thread.names).toEqual(['step 2,other step']);
  });

  it('is not given out while the process would have to load something for it', () => {
    const { thread, ask } = setUp();
    thread.mayFollow = () => false;
    const step = thread.unit('step');
    void ask(step, RANKS.playhead);
    void ask(thread.unit('decode', step), RANKS.playhead);
    expect(thread.names).toEqual(['step']);
  });

  it('ran after all if the process had begun it before it was withdrawn: once', async () => {
    const { thread, ask } = setUp();
    thread.answersAtOnce = false;
    const step = thread.unit('step');
    void ask(step, RANKS.polish);
    const decoded = ask(thread.unit('decode', step), RANKS.polish);
    void ask(thread.unit('draft'), RANKS.firstPicture, 'newcomer');
    await thread.endRunning();
    expect(thread.names).toEqual(['decode']);
    await thread.endRunning();
    await decoded;
    await thread.endRunning();
    expect(thread.ran).toEqual(['step', 'decode', 'draft']);
  });

  it('waits again when the process says late that it has withdrawn it, after the batch before it has ended', async () => {
    const { thread, ask } = setUp();
    thread.answersAtOnce = false;
    const blocker = thread.unit('step');
    void ask(blocker, RANKS.polish);
    const decoded = ask(thread.unit('decode', blocker), RANKS.polish);
    void ask(thread.unit('draft'), RANKS.firstPicture, 'newcomer');
    const [step, decode] = thread.held.splice(0);
    step?.end([{ status: 'fulfilled', value: undefined }]);
    await settle();
    expect(thread.names).toEqual([]);
    decode?.end(undefined);
    await settle();
    expect(thread.names).toEqual(['draft']);
    await thread.endRunning();
    await thread.endRunning();
    await decoded;
  });
});

describe('the batches that are formed', () => {
  it.each([
    { most: 1, kinds: ['a', 'a', 'a'], batches: ['0', '1', '2'] },
    { most: 2, kinds: ['a', 'a', 'a'], batches: ['0,1', '2'] },
    { most: 4, kinds: ['a', 'b', 'a', 'b'], batches: ['0,2', '1,3'] },
    {
      most: 100,
      kinds: Array.from({ length: 18 }, () => 'a'),
      batches: ['0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15', '16,17'],
    },
  ])('hold up to $most units of a kind: $kinds', async ({ most, kinds, batches }) => {
    const { thread, ask } = setUp({ batchSize: () => most });
    void ask(thread.unit('blocker'), RANKS.playhead);
    for (const [index, kind] of kinds.entries())
      void ask(thread.unit(String(index), undefined, kind), RANKS.playhead, `user ${index}`);
    for (let batch = 0; batch <= batches.length; batch++) await thread.endRunning();
    expect(thread.ran).toEqual(['blocker', ...batches]);
  });
});
