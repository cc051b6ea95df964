/** Quotas, rates, merging and the prompt filter, over real sockets. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Access } from '../../signaling/access/access.ts';
import type { AccessOptions } from '../../signaling/access/access.ts';
import { TokenVerifier } from '../../signaling/access/tokens.ts';
import type { PromptFilter } from '../../signaling/prompt-filter.ts';
import { LIMITS } from '../../src/limits.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { codeOf, postWhep, startPattern } from '../support/pattern-service.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import type { SignalClient } from '../support/signaling-fixture.ts';
import { AUDIENCE, SECRET, hs256 } from '../support/tokens.ts';

const fixtureWith = (options: AccessOptions) => startFixture({ access: new Access(options) });
const request = { prompt: 'a red ball' };
const errorsOf = (client: SignalClient) =>
  client.received.filter((message) => message.type === 'error').map(({ code }) => code);

describe('sessions', () => {
  it('of one address are created at most so often; the rest get 429 and when to come again', async () => {
    await using service = await startPattern({ creationsPerMinute: 3, maxSessions: 20 });
    const replies = await Promise.all(Array.from({ length: 12 }, () => postWhep(service, offerSdp())));
    const refused = replies.filter(({ status }) => status === 429);
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(3);
    expect(refused).toHaveLength(9);
    for (const reply of refused) {
      expect(Number(reply.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(await codeOf(reply)).toBe('RATE_LIMITED');
    }
    expect(service.peers.peerCount).toBe(3);
  });

  it('are not counted for offers that cannot be answered', async () => {
    await using fixture = await fixtureWith({ creationsPerMinute: 1 });
    const client = await fixture.connect();
    for (const sdp of ['hello', offerSdp().replaceAll(/VP8|H264/g, 'XX')]) {
      client.send({ type: 'offer', sdp, request });
      await client.next('error');
    }
    expect(errorsOf(client)).toEqual(['SDP_INVALID', 'CODEC_UNSUPPORTED']);
    await client.offer();
  });

  it('of one address behind a trusted proxy are its own, and nobody can claim another', async () => {
    await using service = await startPattern({ creationsPerMinute: 1, trustedProxies: '127.0.0.1' });
    const from = async (address: string) =>
      (await postWhep(service, offerSdp(), { headers: { 'X-Forwarded-For': address } })).status;
    expect([await from('192.0.2.1'), await from('192.0.2.2')]).toEqual([201, 201]);
    expect([await from('192.0.2.1'), await from('203.0.113.9, 192.0.2.1')]).toEqual([429, 429]);
  });

  it('of one user are so many at once, and the place of one that ends is free', async () => {
    await using fixture = await fixtureWith({ sessionsPerUser: 1 });
    const first = await fixture.connect();
    await first.offer();
    const second = await fixture.connect();
    second.send({ type: 'offer', id: 4, sdp: offerSdp(), request });
    expect(await second.next('error')).toMatchObject({ code: 'USER_LIMIT', id: 4, retryable: true });
    first.send({ type: 'bye' });
    await first.closed;
    await second.offer();
  });
});

describe('a user at the limit', () => {
  it('takes the place of an own session whose viewer is gone, and of no other', async () => {
    await using fixture = await fixtureWith({ sessionsPerUser: 2 });
    const [gone, stays] = [await fixture.connect(), await fixture.connect()];
    const { sessionId: lost } = await gone.offer();
    const { sessionId: kept } = await stays.offer();
    gone.socket.terminate();
    await gone.closed;
    const third = await fixture.connect();
    await eventually(async () => {
      third.send({ type: 'offer', sdp: offerSdp(), request });
      expect((await Promise.race([third.next('answer'), third.next('error')])).type).toBe('answer');
    });
    expect([...fixture.registry.sessions.keys()]).toEqual([kept, expect.not.stringContaining(lost)]);
    const fourth = await fixture.connect();
    fourth.send({ type: 'offer', sdp: offerSdp(), request });
    expect(await fourth.next('error')).toMatchObject({ code: 'USER_LIMIT' });
  });

  it('keeps a session that was resumed', async () => {
    await using fixture = await fixtureWith({ sessionsPerUser: 1 });
    const gone = await fixture.connect();
    const { sessionId, resumeToken } = await gone.offer();
    gone.socket.terminate();
    await gone.closed;
    const back = await fixture.connect();
    back.send({ type: 'resume', sessionId, resumeToken });
    await back.next('accepted');
    const other = await fixture.connect();
    other.send({ type: 'offer', sdp: offerSdp(), request });
    expect(await other.next('error')).toMatchObject({ code: 'USER_LIMIT' });
  });

  it('is not locked out by a page that is loaded again: 1001 ends its session', async () => {
    await using fixture = await fixtureWith({ sessionsPerUser: 5 });
    const page = await fixture.connect();
    await page.offer();
    page.socket.close(1001);
    await eventually(() => expect(fixture.registry.size).toBe(0));
    const crashed = await fixture.connect();
    await crashed.offer();
    crashed.socket.close(1000);
    await crashed.closed;
    expect(fixture.registry.size).toBe(1);
  });
});

describe('the share of the generator', () => {
  it("is the user's of the token, with its weight, by whichever way he comes", async () => {
    const tokens = await TokenVerifier.create({ secret: SECRET, audience: AUDIENCE });
    await using fixture = await fixtureWith({ tokens });
    const token = await hs256({ sub: 'anna', limits: { weight: 2.5 } });
    const client = await fixture.connect({ token });
    await client.offer();
    await fetch(`${fixture.url}/whep?prompt=x`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` },
      body: offerSdp(),
    });
    const users = fixture.registry.created.map(({ user }) => user);
    expect(users).toEqual([
      { id: 'user:anna', weight: 2.5 },
      { id: 'user:anna', weight: 2.5 },
    ]);
  });

  it('is 1 unless the token says, and what is no share is refused', async () => {
    const tokens = await TokenVerifier.create({ secret: SECRET, audience: AUDIENCE });
    await using fixture = await fixtureWith({ tokens });
    const client = await fixture.connect({ token: await hs256({ sub: 'ben' }) });
    await client.offer();
    expect(fixture.registry.latest.user).toEqual({ id: 'user:ben', weight: 1 });
    for (const weight of [0, -1, 1e9, '1'])
      await expect(tokens.verify(await hs256({ limits: { weight } }))).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it("without tokens is each session's own: behind one address may be many", async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    await client.offer();
    expect(fixture.registry.latest.user).toBeUndefined();
  });
});

describe('a flood on one WebSocket', () => {
  it('is answered with RATE_LIMITED, id and time to wait, and the session goes on', async () => {
    await using fixture = await fixtureWith({ messagesPerSecond: 1, abuseScore: 0 });
    const client = await fixture.connect();
    await client.offer();
    for (let id = 1; id <= 10; id++) client.send({ type: 'pause', id });
    const refused = await client.next('error');
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) });
    expect(refused.id).toBeGreaterThan(1);
    expect(fixture.registry.size).toBe(1);
    expect(fixture.registry.latest.controls.length).toBeLessThanOrEqual(LIMITS.messagesBurstSeconds);
  });

  it('of junk ends the socket and keeps its sender out, and counts and tells the decision', async () => {
    const metrics = new Metrics({ processMetrics: false });
    await using fixture = await startFixture({ metrics, access: new Access({ abuseScore: 300, metrics }) });
    const client = await fixture.connect();
    for (let count = 0; count < 600; count++) client.socket.send('{"type":"dance"}');
    expect(await client.closed).toBe(1008);
    expect(errorsOf(client).at(-1)).toBe('ABUSE_REFUSED');
    const again = fixture.dial();
    expect(await again.next('error')).toMatchObject({ code: 'ABUSE_REFUSED', retryAfterMs: expect.any(Number) });
    const http = await fetch(`${fixture.url}/whep?prompt=x`, { method: 'POST', body: '' });
    expect([http.status, http.headers.has('Retry-After')]).toEqual([429, true]);
    const { text } = await metrics.exposition();
    expect(text).toMatch(/glimpse_abuse_decisions_total\{level="refuse",cause="\w+"\} 1/);
    expect(await (await fetch(`${fixture.url}/debug/abuse`)).json()).toMatchObject({
      standing: [{ key: 'address:127.0.0.1', level: 'refuse' }],
    });
  });

  it('ends a socket that never opens a session', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    await using fixture = await startFixture({ pingIntervalMs: 1_000, socketIdleMs: 60 });
    const client = await fixture.connect();
    vi.advanceTimersByTime(1_000);
    expect(await client.next('bye')).toMatchObject({ reason: expect.stringContaining('no session') });
    expect(await client.closed).toBe(1000);
  });

  it('tells the id of a message too large to be read, wherever it stands', async () => {
    await using fixture = await startFixture();
    const client = await fixture.connect();
    const prompt = 'x'.repeat(LIMITS.messageMaxBytes);
    client.send({ type: 'prompt', id: 7, prompt });
    client.send({ type: 'prompt', prompt, id: 8 });
    client.send({ type: 'prompt', prompt });
    const errors = [await client.next('error'), await client.next('error'), await client.next('error')];
    expect(errors.map(({ code, id }) => [code, id])).toEqual([
      ['MESSAGE_TOO_LARGE', 7],
      ['MESSAGE_TOO_LARGE', 8],
      ['MESSAGE_TOO_LARGE', undefined],
    ]);
  });
});

describe('prompts beyond their rate', () => {
  it('merge to the newest, and each is answered', async () => {
    await using fixture = await fixtureWith({ promptsPerSecond: 2 });
    const client = await fixture.connect();
    await client.offer();
    for (let id = 1; id <= 30; id++) client.send({ type: 'prompt', id, prompt: `prompt ${id}` });
    const accepted = new Map<number | undefined, string>();
    while (accepted.size < 30) {
      const { id, prompt } = await client.next('accepted');
      accepted.set(id, prompt);
    }
    const taken = fixture.registry.latest.controls.map((control) => (control.type === 'prompt' ? control.prompt : ''));
    expect(taken.slice(0, 4)).toEqual(['prompt 1', 'prompt 2', 'prompt 3', 'prompt 4']);
    expect(taken.at(-1)).toBe('prompt 30');
    expect(taken.length).toBeLessThan(10);
    expect(accepted.get(30)).toBe('prompt 30');
    expect(errorsOf(client)).toEqual([]);
  });

  it('do not hold up what comes behind them', async () => {
    await using fixture = await fixtureWith({ promptsPerSecond: 1 });
    const client = await fixture.connect();
    await client.offer();
    for (let id = 1; id <= 3; id++) client.send({ type: 'prompt', id, prompt: `prompt ${id}` });
    client.send({ type: 'pause', id: 4 });
    const order = [];
    for (let count = 0; count < 4; count++) order.push((await client.next('accepted')).id);
    expect(order).toEqual([1, 2, 4, 3]);
  });
});

describe('the product’s prompt filter', () => {
  const polite: PromptFilter = async (prompt) => !prompt.includes('rude') || { allow: false, message: 'Be polite.' };

  it('is asked for every prompt, however it comes', async () => {
    const filterPrompt = vi.fn(polite);
    await using fixture = await startFixture({ filterPrompt });
    const client = await fixture.connect();
    client.send({ type: 'offer', id: 1, sdp: offerSdp(), request: { prompt: 'something rude' } });
    expect(await client.next('error')).toMatchObject({ code: 'PROMPT_REFUSED', message: 'Be polite.', id: 1 });
    expect(fixture.registry.created).toEqual([]);
    const { sessionId } = await client.offer();
    client.send({ type: 'prompt', id: 2, prompt: 'rude again' });
    expect(await client.next('error')).toMatchObject({ code: 'PROMPT_REFUSED', id: 2 });
    const body = JSON.stringify({ type: 'prompt', prompt: 'rude over HTTP' });
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
    const reply = await fetch(`${fixture.url}/v1/sessions/${sessionId}/control`, init);
    expect([reply.status, await codeOf(reply)]).toEqual([422, 'PROMPT_REFUSED']);
    fixture.registry.latest.events.emit('channelMessage', body);
    await expect.poll(() => fixture.registry.latest.channel.join()).toContain('PROMPT_REFUSED');
    expect(fixture.registry.latest.controls).toEqual([]);
    expect(filterPrompt.mock.calls.map(([, { sessionId: id }]) => id)).toEqual([
      undefined,
      undefined,
      sessionId,
      sessionId,
      sessionId,
    ]);
  });

  it('sees exactly the text that the generator gets, by every way', async () => {
    const seen: string[] = [];
    const filterPrompt: PromptFilter = async (prompt) => {
      seen.push(prompt);
      return !prompt.includes('rude');
    };
    await using fixture = await startFixture({ filterPrompt });
    const client = await fixture.connect();
    const hidden = ['r\u200bude', 'ru\u00adde', 'ｒｕｄｅ', 'r\u200dude', 'ru\u3164de'];
    for (const prompt of hidden) {
      client.send({ type: 'offer', sdp: offerSdp(), request: { prompt } });
      expect(await client.next('error')).toMatchObject({ code: 'PROMPT_REFUSED' });
    }
    expect(new Set(seen.splice(0))).toEqual(new Set(['rude']));
    await client.offer({ prompt: ' “sea”  | a \\| b', negativePrompt: 'blu\u00adrry' });
    const { prompt, negativePrompt } = fixture.registry.latest.request;
    expect([prompt, negativePrompt]).toEqual(['"sea" | a \\| b', 'blurry']);
    expect(seen).toEqual(['"sea" | a | b', 'blurry']);
    client.send({ type: 'prompt', id: 1, prompt: 'all’alba' });
    await client.next('accepted');
    client.send({ type: 'prompt', id: 2, prompt: hidden[0] });
    expect(await client.next('error')).toMatchObject({ code: 'PROMPT_REFUSED', id: 2 });
    expect(fixture.registry.latest.controls).toMatchObject([{ prompt: "all'alba" }]);
  });

  it.each<[string, PromptFilter]>([
    ['throws', () => Promise.reject(new Error('something rude'))],
    [
      'throws at once',
      () => {
        throw new Error('something rude');
      },
    ],
    ['never answers', () => new Promise(() => {})],
  ])('that %s lets nothing through', async (_, filterPrompt) => {
    await using fixture = await startFixture({ filterPrompt });
    const client = await fixture.connect();
    client.send({ type: 'offer', sdp: offerSdp(), request });
    expect(await client.next('error')).toMatchObject({ code: 'PROMPT_FILTER_DOWN', retryable: true });
    expect(fixture.registry.created).toEqual([]);
  });
});
