/** Who is not let in gets a coded refusal, and no session and no peer connection is made for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../src/service.ts';
import { codeOf, dial, offerSdp, postWhep, startPattern } from '../support/pattern-service.ts';
import type { Caller } from '../support/pattern-service.ts';
import { SECRET, hs256 } from '../support/tokens.ts';

const ORIGIN = 'https://shop.example';
let service: Service;
beforeAll(async () => {
  service = await startPattern({ authSecret: SECRET, allowedOrigins: ORIGIN, abuseScore: 0 });
});
afterAll(() => service.close('the test is over'));

const header = (token: string) => ({ Authorization: `Bearer ${token}` });
/** Opens a session by WHEP and ends it with the test. */
async function whepSession(token: string): Promise<{ id: string; end: () => Promise<unknown> }> {
  const response = await postWhep(service, offerSdp(), { token });
  expect(response.status).toBe(201);
  const id = response.headers.get('Location')!.slice('whep/'.length);
  return { id, end: () => service.sessions.get(id).close('the test is over') };
}

const strangers: [string, () => Promise<Caller>, string, number][] = [
  ['no token', async () => ({}), 'UNAUTHORIZED', 401],
  ['an expired token', async () => ({ token: await hs256({}, { expiresIn: -60 }) }), 'UNAUTHORIZED', 401],
  [
    'a token for another audience',
    async () => ({ token: await hs256({}, { audience: 'other' }) }),
    'UNAUTHORIZED',
    401,
  ],
  [
    'a token by another secret',
    async () => ({ token: await hs256({}, { secret: `${SECRET}!` }) }),
    'UNAUTHORIZED',
    401,
  ],
  [
    'a token that only looks at a session',
    async () => ({ token: await hs256({ glimpse_sid: 'x' }) }),
    'FORBIDDEN',
    403,
  ],
  [
    'a page of a foreign origin',
    async () => ({ token: await hs256(), headers: { Origin: 'https://evil.example' } }),
    'ORIGIN_FORBIDDEN',
    403,
  ],
];

describe('a stranger', () => {
  it.each(strangers)('with %s gets nothing over WHEP', async (_, caller, code, status) => {
    const response = await postWhep(service, offerSdp(), await caller());
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
    expect(response.headers.get('WWW-Authenticate')).toBe(status === 401 ? 'Bearer error="invalid_token"' : null);
    expect([service.sessions.size, service.peers.peerCount]).toEqual([0, 0]);
  });

  it.each(strangers)('with %s gets nothing over the WebSocket', async (_, caller, code) => {
    const client = dial(service, await caller());
    client.socket.on('open', () => client.send({ type: 'offer', sdp: offerSdp(), request: { prompt: 'a red ball' } }));
    // A foreign page is not even let through to a socket; all others are told why.
    if (code === 'ORIGIN_FORBIDDEN') expect(await client.closed).toBe(1006);
    else expect(await client.next('error')).toMatchObject({ code });
    client.socket.terminate();
    if (code === 'UNAUTHORIZED') expect(client.received).toHaveLength(1);
    expect([service.sessions.size, service.peers.peerCount]).toEqual([0, 0]);
  });
});

describe('a token', () => {
  it('opens a session over the WebSocket, as a subprotocol or as a header', async () => {
    const token = await hs256({ sub: 'anna' });
    for (const caller of [{ token }, { headers: header(token) }]) {
      const client = dial(service, caller);
      await client.next('welcome');
      await client.offer();
      expect(client.socket.protocol).toBe('token' in caller ? 'glimpse.v1' : '');
      client.send({ type: 'bye' });
      await client.closed;
    }
    expect(service.sessions.size).toBe(0);
  });

  it('for one use makes one session, which stays open to it', async () => {
    const token = await hs256({ once: true, jti: 'ticket-1' });
    const { id, end } = await whepSession(token);
    const again = await postWhep(service, offerSdp(), { token });
    expect([again.status, await codeOf(again)]).toEqual([401, 'UNAUTHORIZED']);
    expect((await fetch(`${service.url}/v1/sessions/${id}`, { headers: header(token) })).status).toBe(200);
    expect([service.sessions.size, service.peers.peerCount]).toEqual([1, 1]);
    await end();
  });

  it('for one use is not used up by an offer that could not be answered', async () => {
    const token = await hs256({ once: true, jti: 'ticket-2' });
    const refused = await postWhep(service, offerSdp().replaceAll(/ (VP8|H264)\//g, ' AV9/'), { token });
    expect(await codeOf(refused)).toBe('CODEC_UNSUPPORTED');
    await (await whepSession(token)).end();
  });

  it('opens no session of another user, whichever way', async () => {
    const { id, end } = await whepSession(await hs256({ sub: 'anna' }));
    const other = header(await hs256({ sub: 'berta' }));
    const pause = { method: 'POST', body: '{"type":"pause"}' };
    const json = { 'Content-Type': 'application/json' };
    const fragment = { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' };
    const tries: [string, RequestInit][] = [
      [`/v1/sessions/${id}`, { headers: other }],
      [`/v1/sessions/${id}`, { method: 'DELETE', headers: other }],
      [`/v1/sessions/${id}/control`, { ...pause, headers: { ...json, ...other } }],
      [`/whep/${id}`, { method: 'DELETE', headers: other }],
      [`/whep/${id}`, { method: 'PATCH', body: 'a=end-of-candidates', headers: { ...fragment, ...other } }],
    ];
    for (const [path, init] of tries) {
      const response = await fetch(service.url + path, init);
      expect([path, response.status, await codeOf(response)]).toEqual([path, 403, 'FORBIDDEN']);
    }
    const thief = dial(service, { token: await hs256({ sub: 'berta' }) });
    const { resumeToken } = service.sessions.get(id);
    await thief.next('welcome');
    thief.send({ type: 'resume', id: 1, sessionId: id, resumeToken });
    expect(await thief.next('error')).toMatchObject({ code: 'FORBIDDEN', id: 1 });
    thief.socket.terminate();
    const own = header(await hs256({ sub: 'anna', iat: 1 }));
    const steered = await fetch(`${service.url}/v1/sessions/${id}/control`, { ...pause, headers: { ...json, ...own } });
    expect(steered.status).toBe(200);
    await end();
  });

  it('with a session id opens that session and no other', async () => {
    const [first, second] = [
      await whepSession(await hs256({ sub: 'a' })),
      await whepSession(await hs256({ sub: 'a' })),
    ];
    const headers = header(await hs256({ glimpse_sid: first.id }));
    expect((await fetch(`${service.url}/v1/sessions/${first.id}`, { headers })).status).toBe(200);
    expect((await fetch(`${service.url}/v1/sessions/${second.id}`, { headers })).status).toBe(403);
    await Promise.all([first.end(), second.end()]);
  });

  it('is not needed for health and the page, and asks for nothing of a preflight', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await fetch(service.url + path)).status, path).toBe(200);
    const headers = { Origin: ORIGIN, 'Access-Control-Request-Method': 'POST' };
    const preflight = await fetch(`${service.url}/whep`, { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('Authorization');
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    expect(preflight.headers.get('Vary')).toContain('Origin');
  });

  it('keeps metrics off the port that viewers reach', async () => {
    expect((await fetch(`${service.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${service.url}/debug/abuse`)).status).toBe(404);
  });
});

describe('without tokens', () => {
  it('pages of this machine may use the server, and those of no other', async () => {
    await using open = await startPattern();
    const from = (origin: string) => postWhep(open, offerSdp(), { headers: { Origin: origin } });
    expect(await codeOf(await from('https://evil.example'))).toBe('ORIGIN_FORBIDDEN');
    const ours = await from('http://localhost:5173');
    expect([ours.status, ours.headers.get('Access-Control-Allow-Origin')]).toEqual([201, 'http://localhost:5173']);
    const foreign = dial(open, { headers: { Origin: 'https://evil.example' } });
    expect(await foreign.closed).toBe(1006);
  });
});

describe('the metrics port', () => {
  it('has the metrics and nothing else', async () => {
    await using open = await startPattern({ metricsPort: 0 });
    expect((await fetch(`${open.url}/metrics`)).status).toBe(404);
    const text = await (await fetch(`${open.metricsUrl}/metrics`)).text();
    expect(text).toContain('glimpse_sessions 0');
    expect(await (await fetch(`${open.metricsUrl}/debug/abuse`)).json()).toEqual({ standing: [] });
    expect((await fetch(`${open.metricsUrl}/whep`, { method: 'POST' })).status).toBe(404);
  });
});
