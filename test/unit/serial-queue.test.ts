import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SerialQueue } from '../../src/lifetime/serial-queue.ts';

describe('SerialQueue', () => {
  it('runs one piece at a time, in order, and passes on their results', async () => {
    const queue = new SerialQueue(3);
    const log: string[] = [];
    const piece = (name: string) => async () => {
      log.push(`${name} begins`);
      await turnOfLoop();
      log.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all(['a', 'b', 'c'].map((name) => queue.run(piece(name))))).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('goes on after a failure, which only its own caller sees', async () => {
    const queue = new SerialQueue(3);
    const failed = queue.run(() => Promise.reject(new Error('no')));
    const thrown = queue.run(() => {
      throw new Error('at once');
    });
    const next = queue.run(() => 'next');
    await expect(failed).rejects.toThrow('no');
    await expect(thrown).rejects.toThrow('at once');
    expect(await next).toBe('next');
  });

  it('refuses more than its capacity, and takes work again once some has ended', async () => {
    const queue = new SerialQueue(2);
    const gate = Promise.withResolvers<void>();
    const first = queue.run(() => gate.promise);
    const second = queue.run(() => 'second');
    expect(queue.isFull).toBe(true);
    let ran = false;
    await expect(queue.run(() => (ran = true))).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 });
    gate.resolve();
    await Promise.all([first, second]);
    expect({ ran, isFull: queue.isFull, third: await queue.run(() => 3) }).toEqual({
      ran: false,
      isFull: false,
      third: 3,
    });
  });

  it('closes: the running piece ends, those that wait or come are refused', async () => {
    const queue = new SerialQueue(3);
    const gate = Promise.withResolvers<string>();
    const running = queue.run(() => gate.promise);
    await turnOfLoop();
    let ran = false;
    const waiting = queue.run(() => (ran = true));
    const closed = queue.close();
    gate.resolve('whole');
    expect(await running).toBe('whole');
    await closed;
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(queue.run(() => (ran = true))).rejects.toMatchObject({ code: 'ABORTED' });
    expect(ran).toBe(false);
  });

  it('is idle when everything accepted has ended, failures included', async () => {
    const queue = new SerialQueue(3);
    let ended = 0;
    for (const fails of [false, true]) {
      void queue.run(async () => {
        await turnOfLoop();
        ended += 1;
        if (fails) throw new Error('no');
      });
    }
    await queue.idle();
    expect(ended).toBe(2);
  });
});
