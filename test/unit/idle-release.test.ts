import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleRelease, idleRelease } from '../../src/startup/idle-release.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function release() {
  const released: string[] = [];
  const stage = (name: string, afterMs: number) => ({ afterMs, release: () => void released.push(name) });
  return { released, idle: new IdleRelease([stage('soon', 5_000), stage('later', 300_000)]) };
}

it('gives back in stages, each once, while nobody is there', () => {
  const { released, idle } = release();
  idle.onSessions(1);
  idle.onSessions(0);
  vi.advanceTimersByTime(4_999);
  expect(released).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(released).toEqual(['soon']);
  vi.advanceTimersByTime(3_600_000);
  expect(released).toEqual(['soon', 'later']);
});

it('gives nothing back while somebody is there, and counts from the last who goes', () => {
  const { released, idle } = release();
  idle.onSessions(2);
  idle.onSessions(1);
  vi.advanceTimersByTime(3_600_000);
  idle.onSessions(0);
  vi.advanceTimersByTime(4_000);
  idle.onSessions(1);
  vi.advanceTimersByTime(3_600_000);
  expect(released).toEqual([]);
  idle.onSessions(0);
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(['soon']);
});

it('counts from the start when nobody comes', () => {
  const { released, idle } = release();
  vi.advanceTimersByTime(3_600_000);
  expect(released).toEqual([]);
  idle.onSessions(0);
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(['soon']);
});

it('ends with its owner', () => {
  const { released, idle } = release();
  idle.onSessions(1);
  idle.onSessions(0);
  idle[Symbol.dispose]();
  vi.advanceTimersByTime(3_600_000);
  expect(released).toEqual([]);
});

describe('a service without viewers', () => {
  const idleFor = (warmIdleMs: number) => {
    const seen: string[] = [];
    const caches = [{ clear: () => void seen.push('cleared') }, {}];
    const idle = idleRelease({ warmIdleMs, caches, onIdle: (since) => void seen.push(since) });
    idle.onSessions(0);
    return seen;
  };

  it('collects what they left, and in time what is kept for the next', () => {
    const seen = idleFor(300_000);
    vi.advanceTimersByTime(299_999);
    expect(seen).toEqual(['idle']);
    vi.advanceTimersByTime(1);
    expect(seen).toEqual(['idle', 'cleared', 'at rest']);
  });

  it('keeps its caches where the model never rests', () => {
    const seen = idleFor(0);
    vi.advanceTimersByTime(3_600_000);
    expect(seen).toEqual(['idle']);
  });
});
