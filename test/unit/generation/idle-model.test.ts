import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleModel } from '../../../src/generation/engine/idle-model.ts';

const IDLE_MS = 1_000;

describe('a model without users', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function idleModel(idleMs = IDLE_MS) {
    const changes: string[] = [];
    const onActivated = vi.fn();
    const memory = {
      activate: async () => {
        changes.push('activate');
        return { hit: true, ms: 5 };
      },
      rest: async (to: string) => void changes.push(to),
    };
    return { model: new IdleModel({ memory, idleMs, onActivated }), changes, onActivated };
  }

  it('rests half-loaded after a while, and is loaded again for the next user', async () => {
    const { model, changes, onActivated } = idleModel();
    expect(await model.use()).toBeUndefined();
    model.leave();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(changes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(changes).toEqual(['half-loaded']);
    expect(await model.use()).toEqual({ hit: true, ms: 5 });
    expect(onActivated).toHaveBeenCalledExactlyOnceWith({ hit: true, ms: 5 });
    expect(changes).toEqual(['half-loaded', 'activate']);
  });

  it('stays loaded when somebody comes in time, when it never rests, and after the end', async () => {
    const returning = idleModel();
    returning.model.leave();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    await returning.model.use();
    const never = idleModel(0);
    never.model.leave();
    const ended = idleModel();
    ended.model.leave();
    await ended.model[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(10 * IDLE_MS);
    expect([returning.changes, never.changes, ended.changes]).toEqual([[], [], []]);
  });

  it('survives a model that fails to rest', async () => {
    const memory = {
      activate: async () => ({ hit: false, ms: 9 }),
      rest: () => Promise.reject(new Error('the thread has died')),
    };
    const model = new IdleModel({ memory, idleMs: IDLE_MS });
    model.leave();
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(await model.use()).toEqual({ hit: false, ms: 9 });
  });
});
