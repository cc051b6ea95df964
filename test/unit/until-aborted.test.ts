import { describe, expect, it } from 'vitest';
import { untilAborted } from '../../src/lifetime/until-aborted.ts';

describe('untilAborted', () => {
  it('gives what the work gives, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7);
    await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  it('ends with the signal, and the work goes on for others', async () => {
    const work = Promise.withResolvers<number>();
    const leaving = new AbortController();
    const left = untilAborted(work.promise, leaving.signal);
    const stays = untilAborted(work.promise, new AbortController().signal);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(untilAborted(work.promise, leaving.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    work.resolve(7);
    expect(await stays).toBe(7);
  });
});
