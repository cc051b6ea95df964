import { describe, expect, it } from 'vitest';
import type { LiveSource } from '../../../src/picture/live-source.ts';
import { LiveInput } from '../../../src/stream/live-input.ts';

const SIZE = { widthPx: 16, heightPx: 16 };
const frame = { ...SIZE, data: new Uint8Array(384) };
const sourceOf = (number: number): LiveSource => ({
  newest: async () => ({ frame, number }),
  next: async () => ({ frame, number }),
});
const [ANNA, BERT] = [{}, {}];
const never = new AbortController().signal;

describe('LiveInput', () => {
  it('has no picture before a camera comes and after it has left', async () => {
    const live = new LiveInput();
    expect([live.active, await live.newest(SIZE), await live.next(SIZE, 0, never)]).toEqual([
      false,
      undefined,
      undefined,
    ]);
    live.start(ANNA, sourceOf(1));
    expect((await live.newest(SIZE))?.number).toBe(1);
    live.release(ANNA);
    expect([live.active, await live.newest(SIZE)]).toEqual([false, undefined]);
  });

  it('refuses a second publisher until the first has left', async () => {
    const live = new LiveInput();
    live.reserve(ANNA);
    for (const attempt of [() => live.reserve(BERT), () => live.start(BERT, sourceOf(2))])
      expect(attempt).toThrow(expect.objectContaining({ code: 'PUBLISHER_EXISTS' }));
    live.start(ANNA, sourceOf(1));
    live.release(BERT);
    expect((await live.newest(SIZE))?.number).toBe(1);
    live.release(ANNA);
    live.start(BERT, sourceOf(2));
    expect((await live.newest(SIZE))?.number).toBe(2);
  });

  it('tells when pictures come and go, and not for a place without pictures', () => {
    const live = new LiveInput();
    const told: boolean[] = [];
    live.events.on('changed', (active) => told.push(active));
    live.reserve(ANNA);
    live.release(ANNA);
    live.start(ANNA, sourceOf(1));
    live.start(ANNA, sourceOf(2));
    live.release(ANNA);
    expect(told).toEqual([true, true, false]);
  });
});
