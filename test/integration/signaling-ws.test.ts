import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { SERVER_CANDIDATE, STATS } from '../support/fake-registry.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { startFixture } from '../support/signaling-fixture.ts';

const CANDIDATE = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0' };
const types = (messages: readonly { type: string }[]) => messages.map(({ type }) => type);

describe('the WebSocket', () => {
  it('greets with what a viewer needs to know', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    expect(client.received).toEqual([
      {
        type: 'welcome',
        protocol: 1,
        iceServers: [],
        generator: {
          name: 'fake',
          conditioning: 'anything',
          slice: { frames: 8, fps: 12 },
          tiers: [{ tier: 'draft', widthPx: 128, heightPx: 128 }],
          examples: ['a red ball'],
        },
        limits: { promptMaxChars: LIMITS.promptMaxChars, clipSecondsMax: LIMITS.clipSecondsMax },
      },
    ]);
  });

  it('answers an offer, candidates included, then sends accepted', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    client.send({ type: 'offer', id: 3, sdp: offerSdp(), request: { prompt: 'a red ball', seed: 5 } });
    const accepted = await client.next('accepted');
    expect(types(client.received)).toEqual(['welcome', 'answer', 'accepted']);
    expect(client.received[1]).toMatchObject({ id: 3, sessionId: 'session-1', resumeToken: 'token-of-session-1' });
    expect(client.received[1]).toMatchObject({ sdp: expect.stringContaining(`a=${SERVER_CANDIDATE}`) });
    expect(accepted).toEqual({ type: 'accepted', id: 3, revision: 0, queuePosition: 0, seed: 5, prompt: 'a red ball' });
    expect(fixture.registry.latest.request).toMatchObject({ mode: 'live', seconds: 4, seed: 5 });
  });

  it('keeps a candidate behind the offer it belongs to', async () => {
    await using fixture = await startFixture();
    const gate = Promise.withResolvers<void>();
    fixture.registry.onCreate = (session) => void (session.gate = gate.promise);
    const client = await fixture.connect();
    client.send({ type: 'offer', sdp: offerSdp(), request: { prompt: 'a red ball' } });
    client.send({ type: 'candidate', candidate: CANDIDATE });
    client.send({ type: 'candidate', candidate: null });
    client.send({ type: 'pause' });
    gate.resolve();
    await client.next('answer');
    await client.next('accepted');
    await client.next('accepted');
    expect(fixture.registry.latest.candidates).toEqual([CANDIDATE, null]);
    expect(client.received.filter(({ type }) => type === 'error')).toEqual([]);
  });

  it('forwards tier, playing, stats and error of the session', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    const { events } = fixture.registry.latest;
    const size = { widthPx: 128, heightPx: 128 };
    const tier = { revision: 0, slice: 0, tier: 'draft', startMs: 0, durationMs: 667, computeMs: 20, ...size } as const;
    const playing = { revision: 0, slice: 0, tier: 'draft', rtpTimestamp: 9, ...size } as const;
    events.emit('tier', tier);
    events.emit('playing', playing);
    events.emit('stats', STATS);
    events.emit('error', new GlimpseError('GENERATOR_DOWN', { retryAfterMs: 2_000 }));
    expect(await client.next('tier')).toEqual({ type: 'tier', ...tier });
    expect(await client.next('playing')).toEqual({ type: 'playing', ...playing });
    expect(await client.next('stats')).toEqual({ type: 'stats', stats: STATS });
    expect(await client.next('error')).toMatchObject({ code: 'GENERATOR_DOWN', retryable: true, retryAfterMs: 2_000 });
  });

  it('steers, and echoes ids', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer({ prompt: 'a red ball', mode: 'clip' });
    client.send({ type: 'prompt', id: 11, prompt: 'the same at night' });
    expect(await client.next('accepted')).toMatchObject({ id: 11, revision: 1, prompt: 'the same at night' });
    for (const message of [
      { type: 'steer', tierCap: 'base' },
      { type: 'pause' },
      { type: 'play' },
      { type: 'seek', timeMs: 5 },
    ]) {
      client.send(message);
      await client.next('accepted');
    }
    expect(types(fixture.registry.latest.controls)).toEqual(['prompt', 'steer', 'pause', 'play', 'seek']);
  });

  it('restarts ICE with an answer of its own', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    client.send({ type: 'restart', id: 4, sdp: offerSdp({ ufrag: 'wxyz' }) });
    const answer = await client.next('answer');
    expect(answer).toMatchObject({ id: 4, sessionId: 'session-1' });
    expect(answer.sdp).toContain('a=ice-ufrag:srv101');
  });

  it('closes the session on bye, says bye and closes the socket', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    client.send({ type: 'bye' });
    expect(await client.closed).toBe(1000);
    expect(types(client.received).filter((type) => type === 'bye')).toHaveLength(1);
    expect(fixture.registry.size).toBe(0);
  });

  it('says bye when the session ends, and takes a new offer on the same socket', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    await fixture.registry.latest.close('consent expired');
    expect(await client.next('bye')).toEqual({ type: 'bye', reason: 'consent expired' });
    expect(await client.offer()).toMatchObject({ sessionId: 'session-2' });
  });
});

describe('resume', () => {
  it('finds the session again after the socket died without bye', async () => {
    await using fixture = await startFixture();
    const first = await fixture.connect();
    const { sessionId, resumeToken } = await first.offer();
    first.socket.terminate();
    const second = await fixture.connect();
    second.send({ type: 'resume', id: 1, sessionId, resumeToken });
    expect(await second.next('accepted')).toMatchObject({ id: 1, prompt: 'a red ball' });
    fixture.registry.latest.events.emit('stats', STATS);
    await second.next('stats');
    expect(fixture.registry.latest.closedWith).toBeUndefined();
  });

  it('answers an offer that comes with it, also on the same socket', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    const { sessionId, resumeToken } = await client.offer();
    client.send({ type: 'resume', sessionId, resumeToken, sdp: offerSdp({ ufrag: 'wxyz' }) });
    expect((await client.next('answer')).sdp).toContain('a=ice-ufrag:srv2');
    await client.next('accepted');
    fixture.registry.latest.events.emit('stats', STATS);
    await client.next('stats');
    client.send({ type: 'pause' });
    await client.next('accepted');
    expect(client.received.filter(({ type }) => type === 'stats')).toHaveLength(1);
  });

  it('takes the session over from a socket that is only half dead', async () => {
    await using fixture = await startFixture();
    const first = await fixture.connect();
    const { sessionId, resumeToken } = await first.offer();
    const second = await fixture.connect();
    second.send({ type: 'resume', sessionId, resumeToken });
    await second.next('accepted');
    expect(await first.next('bye')).toMatchObject({ reason: expect.stringContaining('resumed') });
    expect(await first.closed).toBe(1000);
    expect(fixture.registry.size).toBe(1);
  });

  it('leaves the session with the socket that has it when the offer with it is refused', async () => {
    await using fixture = await startFixture();
    const owner = await fixture.connect();
    const { sessionId, resumeToken } = await owner.offer();
    const second = await fixture.connect();
    second.send({ type: 'resume', id: 2, sessionId, resumeToken, sdp: 'hello' });
    expect(await second.next('error')).toMatchObject({ code: 'SDP_INVALID', id: 2 });
    expect(fixture.registry.latest.offers).toHaveLength(1);
    owner.send({ type: 'pause' });
    await owner.next('accepted');
  });

  it.each([
    ['an unknown session', 'nobody', 'x', 'SESSION_NOT_FOUND'],
    ['a wrong token', 'session-1', 'x', 'UNAUTHORIZED'],
  ])('refuses %s and harms nobody', async (_, sessionId, resumeToken, code) => {
    await using fixture = await startFixture();
    const owner = await fixture.connect();
    await owner.offer();
    const stranger = await fixture.connect();
    stranger.send({ type: 'resume', id: 2, sessionId, resumeToken });
    expect(await stranger.next('error')).toMatchObject({ code, id: 2 });
    owner.send({ type: 'pause' });
    await owner.next('accepted');
  });
});
