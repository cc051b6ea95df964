/** When a session ends by itself: nobody connects, nobody comes back. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import type { SessionOpening } from '../../src/session/contract.ts';
import { eventually } from '../support/eventually.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

/** A session that has answered an offer, and what ends it. */
async function answered(request: Partial<SessionOpening> = {}) {
  const { sessions, peers } = sessionFixture();
  const session = await sessions.create({ ...REQUEST, ...request });
  const closed = vi.fn();
  session.events.on('closed', closed);
  await session.answer('offer');
  return { sessions, peers, session, closed };
}

describe('session deadlines', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('ends a session that never connects', async () => {
    const { sessions, peers, closed } = await answered();
    await vi.advanceTimersByTimeAsync(LIMITS.connectTimeoutMs - 1);
    expect(closed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await eventually(() => expect(closed).toHaveBeenCalledWith('connect-timeout'));
    expect([sessions.size, peers.peerCount]).toEqual([0, 0]);
  });

  it('ends a session whose peer said goodbye and did not come back', async () => {
    const { sessions, peers, closed } = await answered();
    peers.last.connect();
    await peers.last.close('goodbye');
    await vi.advanceTimersByTimeAsync(LIMITS.resumeGraceMs);
    await eventually(() => expect(closed).toHaveBeenCalledWith('peer-gone'));
    expect(sessions.size).toBe(0);
  });

  it('waits for a viewer who fell silent as for one who said goodbye: his network may be back in a moment', async () => {
    const { peers, session, closed } = await answered();
    peers.last.connect();
    peers.last.become('disconnected', 'consent ran out');
    await vi.advanceTimersByTimeAsync(LIMITS.resumeGraceMs - 1);
    expect([closed.mock.calls.length, session.stats.state]).toEqual([0, 'waiting']);
    await vi.advanceTimersByTimeAsync(1);
    await eventually(() => expect(closed).toHaveBeenCalledWith('peer-gone'));
  });

  it('ends a session that nobody can resume with its connection', async () => {
    const { sessions, peers, closed } = await answered({ resumable: false });
    peers.last.connect();
    peers.last.become('disconnected', 'consent ran out');
    await vi.advanceTimersByTimeAsync(0);
    await eventually(() => expect(closed).toHaveBeenCalledWith('peer-gone'));
    expect(sessions.size).toBe(0);
  });
});
