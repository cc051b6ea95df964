/** A viewer's next connection begins with what the last one carried, not with what a stranger gets. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { remb } from '../../bench/support/wire/rtcp-builder.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

describe('the estimator of a new connection', () => {
  it('begins a little below what the last one knew', async () => {
    const { sessions, peers } = sessionFixture();
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    expect(session.stats.targetBps).toBe(500_000);
    const { ssrc } = peers.last.sent.video;
    peers.last.events.emit('rtcp', remb(128_000, ssrc));
    await eventually(() => expect(session.stats.targetBps).toBeLessThan(200_000));
    const known = session.stats.targetBps;

    await session.answer('another offer');
    peers.last.connect();
    expect(session.stats.targetBps).toBeGreaterThan(known * 0.8);
    expect(session.stats.targetBps).toBeLessThan(known * 0.9);
    await sessions.close('done');
  });
});
