import { describe, expect, it } from 'vitest';
import { PacerTimer } from '../../../src/transport/pacing/pacer-timer.ts';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';

function setUp() {
  const time = new VirtualTime();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  return { time, errors, timer: new PacerTimer({ clock: time, onError }) };
}

describe('PacerTimer', () => {
  it('wakes each when due, with one timer for all', () => {
    const { time, timer } = setUp();
    const woken: string[] = [];
    const start = time.nowUs();
    for (const [name, ms] of [
      ['b', 20],
      ['a', 10],
      ['c', 10],
    ] as const) {
      timer.register(() => void woken.push(name)).by(start + ms * 1_000);
      expect(time.timers).toBe(1);
    }
    time.advance(15);
    expect(woken).toEqual(['a', 'c']);
    time.advance(10);
    expect(woken).toEqual(['a', 'c', 'b']);
    expect(time.timers).toBe(0);
  });

  it('goes on as long as the woken one asks for it', () => {
    const { time, timer } = setUp();
    let times = 0;
    timer.register((nowUs) => (++times < 5 ? nowUs + 5_000 : undefined)).by(time.nowUs());
    time.advance(100);
    expect(times).toBe(5);
    expect(time.timers).toBe(0);
  });

  it('never wakes what is closed, and rests when all are', () => {
    const { time, timer } = setUp();
    let times = 0;
    const waker = timer.register((nowUs) => (times++, nowUs + 1_000));
    waker.by(time.nowUs());
    time.advance(3);
    const before = times;
    waker.close();
    waker.by(time.nowUs());
    time.advance(10);
    expect(times).toBe(before);
    expect([timer.size, time.timers]).toEqual([0, 0]);
  });

  it('leaves out one that throws, reports it, and wakes the others on', () => {
    const { time, timer, errors } = setUp();
    const failure = new Error('a bug');
    const broken = timer.register(() => {
      throw failure;
    });
    let times = 0;
    timer.register((nowUs) => (times++, nowUs + 5_000)).by(time.nowUs() + 10_000);
    broken.by(time.nowUs() + 10_000);
    time.advance(10);
    expect(times).toBe(1);
    expect(errors).toEqual([failure]);
    expect(timer.size).toBe(1);
    broken.by(time.nowUs());
    time.advance(10);
    expect(times).toBe(3);
    expect(errors).toHaveLength(1);
  });

  it('warns of it where nobody else is told', async () => {
    const time = new VirtualTime();
    const timer = new PacerTimer({ clock: time });
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const throwing = timer.register(() => {
      throw new Error('private words');
    });
    throwing.by(time.nowUs());
    time.advance(5);
    expect((await warned).message).toBe('a listener of "wake" threw Error');
  });
});
