/** A token that expires while its socket is open: what it may still do, and when its session ends. */
import { describe, expect, it } from 'vitest';
import { Access } from '../../signaling/access/access.ts';
import { TokenVerifier } from '../../signaling/access/tokens.ts';
import { LIMITS } from '../../src/limits.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import { AUDIENCE, SECRET, hs256 } from '../support/tokens.ts';

const LIFE_S = 60;
const GRACE_S = LIMITS.tokenExpiredGraceMs / 1_000;

/** A server whose clock for tokens already open is moved by hand. */
async function start(options: { pingIntervalMs?: number } = {}) {
  let aheadMs = 0;
  const tokens = await TokenVerifier.create({ secret: SECRET, audience: AUDIENCE });
  const access = new Access({ tokens, wallMs: () => Date.now() + aheadMs });
  const fixture = await startFixture({ access, ...options });
  const pass = (seconds: number): void => {
    aheadMs += seconds * 1_000;
    access.sweep();
  };
  return Object.assign(fixture, { pass });
}

const token = (expiresIn = LIFE_S) => hs256({ sub: 'anna' }, { expiresIn });

describe('over an open socket, an expired token', () => {
  it('makes no session', async () => {
    await using fixture = await start();
    const client = await fixture.connect({ token: await token() });
    fixture.pass(LIFE_S + 10);
    client.send({ type: 'offer', id: 1, sdp: offerSdp(), request: { prompt: 'sea' } });
    expect(await client.next('error')).toMatchObject({ code: 'UNAUTHORIZED', id: 1 });
    expect(fixture.registry.created).toEqual([]);
  });

  it('restarts none, and resumes none', async () => {
    await using fixture = await start();
    const client = await fixture.connect({ token: await token() });
    const { sessionId, resumeToken } = await client.offer();
    const other = await fixture.connect({ token: await token() });
    fixture.pass(LIFE_S + 10);
    client.send({ type: 'restart', id: 2, sdp: offerSdp() });
    expect(await client.next('error')).toMatchObject({ code: 'UNAUTHORIZED', id: 2 });
    other.send({ type: 'resume', id: 3, sessionId, resumeToken });
    expect(await other.next('error')).toMatchObject({ code: 'UNAUTHORIZED', id: 3 });
    expect(fixture.registry.latest.restarts).toEqual([]);
  });

  it('closes the socket, and says when to come with a newer one', async () => {
    await using fixture = await start({ pingIntervalMs: 20 });
    const client = await fixture.connect({ token: await token() });
    await client.offer();
    fixture.pass(LIFE_S + 10);
    expect(await client.next('bye')).toMatchObject({ reason: 'token-expired', retryAfterMs: expect.any(Number) });
    expect(await client.closed).toBe(1008);
    expect(fixture.registry.size).toBe(1);
  });
});

describe('a running session', () => {
  it('ends when its token has expired and the grace is over, and not before', async () => {
    await using fixture = await start();
    const client = await fixture.connect({ token: await token() });
    await client.offer();
    fixture.pass(LIFE_S + GRACE_S - 5);
    expect(fixture.registry.size).toBe(1);
    fixture.pass(10);
    expect(await client.next('bye')).toMatchObject({ reason: 'token-expired' });
    expect(fixture.registry.size).toBe(0);
  });

  it.each(['by resume', 'by a request'])('goes on for a viewer who shows a newer token %s', async (how) => {
    await using fixture = await start();
    const client = await fixture.connect({ token: await token() });
    const { sessionId, resumeToken } = await client.offer();
    const newer = await token(600);
    if (how === 'by resume') {
      const again = await fixture.connect({ token: newer });
      again.send({ type: 'resume', sessionId, resumeToken });
      await again.next('accepted');
    } else {
      const headers = { Authorization: `Bearer ${newer}` };
      expect((await fetch(`${fixture.url}/v1/sessions/${sessionId}`, { headers })).status).toBe(200);
    }
    fixture.pass(LIFE_S + GRACE_S + 10);
    expect(fixture.registry.size).toBe(1);
    fixture.pass(600);
    expect(fixture.registry.size).toBe(0);
  });

  it('is not kept by the token of another user', async () => {
    await using fixture = await start();
    const client = await fixture.connect({ token: await token() });
    const { sessionId } = await client.offer();
    const headers = { Authorization: `Bearer ${await hs256({ sub: 'berta' }, { expiresIn: 600 })}` };
    expect((await fetch(`${fixture.url}/v1/sessions/${sessionId}`, { headers })).status).toBe(403);
    fixture.pass(LIFE_S + GRACE_S + 10);
    expect(fixture.registry.size).toBe(0);
  });
});
