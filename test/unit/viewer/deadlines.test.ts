/** Who is there and how long we wait for them, in virtual time. */
import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';
import { every, sleep } from '../../../src/clock.ts';
import { LIMITS } from '../../../src/limits.ts';
import { Lifetime } from '../../../src/viewer/link/lifetime.ts';
import { Presence } from '../../../src/viewer/presence.ts';

describe('presence', () => {
  function setUp() {
    const time = new VirtualTime();
    const presence = new Presence(time);
    return { time, presence };
  }

  it('shows nothing from the moment the viewer leaves, and computes for a while longer', () => {
    const { time, presence } = setUp();
    presence.left();
    expect(presence.facts).toEqual({ shown: false, watched: true });
    time.advance(LIMITS.unwatchedMs - 1);
    expect(presence.facts.watched).toBe(true);
    time.advance(1);
    expect(presence.facts.watched).toBe(false);
  });

  it('computes while the viewer is on the way back, and for a while if they do not arrive', () => {
    const { time, presence } = setUp();
    presence.left();
    time.advance(LIMITS.unwatchedMs);
    presence.expected();
    time.advance(10 * LIMITS.unwatchedMs);
    expect(presence.facts).toEqual({ shown: false, watched: true });
    presence.missed();
    time.advance(LIMITS.unwatchedMs);
    expect(presence.facts.watched).toBe(false);
    presence.back();
    expect(presence.facts).toEqual({ shown: true, watched: true });
    expect(time.timers).toBe(0);
  });

  it('leaves no timer behind', () => {
    const { time, presence } = setUp();
    presence.left();
    presence.close();
    expect(time.timers).toBe(0);
  });
});

describe('a link', () => {
  function setUp(resumeGraceMs: number) {
    const time = new VirtualTime();
    const ends: string[] = [];
    return { time, ends, life: new Lifetime({ clock: time, resumeGraceMs, onDeadline: (why) => ends.push(why) }) };
  }

  it('ends when nobody connects', () => {
    const { time, ends, life } = setUp(1_000);
    life.apply('offered');
    time.advance(LIMITS.connectTimeoutMs - 1);
    expect(ends).toEqual([]);
    time.advance(1);
    expect(ends).toEqual(['connect-timeout']);
  });

  it('waits for whoever is gone, for as long as they may come back', () => {
    const { time, ends, life } = setUp(1_000);
    life.apply('offered');
    life.apply('connected');
    life.apply('lost');
    const goneUs = time.nowUs();
    time.advance(999);
    expect([life.goneSinceUs, ends]).toEqual([goneUs, []]);
    life.apply('connected');
    time.advance(5_000);
    expect([life.goneSinceUs, ends]).toEqual([undefined, []]);
    life.apply('lost');
    time.advance(1_000);
    expect(ends).toEqual(['peer-gone']);
    life.apply('closed');
    expect(time.timers).toBe(0);
  });
});

describe('timers', () => {
  it('call back every so often until they are closed, even from within', () => {
    const time = new VirtualTime();
    let calls = 0;
    const timer = every(time, 10, () => {
      if (++calls === 3) timer.close();
    });
    time.advance(100);
    expect([calls, time.timers]).toEqual([3, 0]);
  });

  it('let sleepers go when the time has come, or their signal aborts', async () => {
    const time = new VirtualTime();
    const ending = new AbortController();
    const woken: string[] = [];
    const naps = [
      sleep(time, 10).then(() => woken.push('rested')),
      sleep(time, 1_000, ending.signal).then(() => woken.push('aborted')),
    ];
    time.advance(10);
    await naps[0];
    ending.abort();
    await naps[1];
    expect([woken, time.timers]).toEqual([['rested', 'aborted'], 0]);
    await sleep(time, 1_000, ending.signal);
  });
});
