/** Sessions that wait for admission, over the real session, encoder and send path; load comes from costs that are told. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { expectNoLeaks, takeHoldings, type Holdings } from '../support/no-leaks.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

describe('a session that waits for admission', () => {
  let before: Holdings;
  beforeEach(async () => {
    // Loads the encoder's library, which stays.
    await (await encoderFactory('auto')({ codec: 'VP8', widthPx: 64, heightPx: 64, fps: 10, bitrateBps: 1e5 })).close();
    before = takeHoldings();
  });
  afterEach(() => expectNoLeaks(before));

  /** One live session fills this machine: draft and base of a slice (400 ms) cost 240 ms. */
  function fullMachine(): ReturnType<typeof sessionFixture> {
    const fixture = sessionFixture();
    for (let i = 0; i < 60; i++)
      for (const [tier, ms] of [
        ['draft', 120],
        ['base', 120],
        ['refined', 400],
      ] as const)
        fixture.engine.scheduler.costs.observe(tier, ms);
    return fixture;
  }

  it('is connected and told its place, computes nothing, and gets pictures when another ends', async () => {
    const { sessions, peers } = fullMachine();
    const first = await sessions.create(REQUEST);
    const second = await sessions.create(REQUEST);
    const places: unknown[] = [];
    const tiers: string[] = [];
    second.events.on('queue', (place) => places.push(place));
    second.events.on('tier', ({ tier }) => tiers.push(tier));
    expect((await first.accepted).queuePosition).toBe(0);
    expect(await second.accepted).toMatchObject({ queuePosition: 1, waitMs: null });
    await second.answer('offer');
    peers.last.connect();
    await expect.poll(() => second.stats.state).toBe('live');
    expect(second.stats.framesSent).toBe(0);
    expect(tiers).toEqual([]);
    await first.close('done');
    expect(places).toEqual([{ position: 0, waitMs: 0 }]);
    await expect.poll(() => second.stats.framesSent).toBeGreaterThan(0);
    await second.close('done');
  });

  it('computes no higher tier than there is room for', async () => {
    const { sessions } = fullMachine();
    const session = await sessions.create(REQUEST);
    const tiers = new Set<string>();
    session.events.on('tier', ({ tier }) => tiers.add(tier));
    await expect.poll(() => tiers).toContain('base');
    expect(session.stats.tierCap).toBe('base');
    await session.close('done');
    expect([...tiers]).toEqual(['draft', 'base']);
  });

  it('is refused, with a time to come back, when the line is full', async () => {
    const { sessions } = fullMachine();
    const running = await sessions.create(REQUEST);
    const waiting = await Promise.all([sessions.create(REQUEST), sessions.create(REQUEST)]);
    await expect(sessions.create(REQUEST)).rejects.toMatchObject({ code: 'SESSION_LIMIT', retryable: true });
    expect(sessions.size).toBe(3);
    for (const session of [running, ...waiting]) await session.close('done');
  });

  it('leaves nothing behind when its prompt is refused', async () => {
    const { sessions, engine } = sessionFixture();
    await expect(sessions.create({ ...REQUEST, prompt: ' ' })).rejects.toMatchObject({ code: 'PROMPT_EMPTY' });
    expect(engine.admission.load).toBe(0);
    expect(sessions.size).toBe(0);
  });
});
