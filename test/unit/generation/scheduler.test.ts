import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../src/generation/scheduler.ts';

/** Holds the worker until `release`, so that what is queued meanwhile is chosen by order alone. */
function blocked(scheduler: Scheduler) {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const running = scheduler.submit({ rank: 0, deadlineUs: 0, signal: new AbortController().signal, run: () => gate });
  return { release: () => (release(), running) };
}

describe('scheduler', () => {
  it('runs by rank, then deadline, then age, one at a time', async () => {
    const scheduler = new Scheduler();
    const { release } = blocked(scheduler);
    const ran: string[] = [];
    const submit = (name: string, rank: number, deadlineUs: number) =>
      scheduler.submit({
        rank,
        deadlineUs,
        signal: new AbortController().signal,
        run: async () => void ran.push(name),
      });
    const all = [
      submit('polish', 2, 0),
      submit('later', 1, 9),
      submit('sooner', 1, 5),
      submit('twin', 1, 5),
      submit('blank', 0, 99),
    ];
    await release();
    await Promise.all(all);
    expect(ran).toEqual(['blank', 'sooner', 'twin', 'later', 'polish']);
  });

  it('drops what is aborted while it waits, and goes on after a failure', async () => {
    const scheduler = new Scheduler();
    const { release } = blocked(scheduler);
    const abort = new AbortController();
    const dropped = scheduler.submit({ rank: 0, deadlineUs: 0, signal: abort.signal, run: async () => 'never' });
    const failed = scheduler.submit({
      rank: 1,
      deadlineUs: 0,
      signal: new AbortController().signal,
      run: async () => Promise.reject(new Error('broken')),
    });
    const last = scheduler.submit({
      rank: 2,
      deadlineUs: 0,
      signal: new AbortController().signal,
      run: async () => 'ran',
    });
    abort.abort();
    await expect(dropped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(scheduler.length).toBe(2);
    await release();
    await expect(failed).rejects.toThrow('broken');
    await expect(last).resolves.toBe('ran');
  });

  it('is bounded', async () => {
    const scheduler = new Scheduler();
    const { release } = blocked(scheduler);
    const { signal } = new AbortController();
    const run = async (): Promise<void> => {};
    const held = Array.from({ length: 256 }, () => scheduler.submit({ rank: 1, deadlineUs: 0, signal, run }));
    await expect(scheduler.submit({ rank: 0, deadlineUs: 0, signal, run })).rejects.toMatchObject({
      code: 'RATE_LIMITED',
    });
    await release();
    await Promise.all(held);
  });

  it('refuses and drops when closed', async () => {
    const scheduler = new Scheduler();
    const { release } = blocked(scheduler);
    const waiting = scheduler.submit({
      rank: 1,
      deadlineUs: 0,
      signal: new AbortController().signal,
      run: async () => 1,
    });
    scheduler.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await release();
  });
});
