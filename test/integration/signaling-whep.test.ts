import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { SERVER_CANDIDATE } from '../support/fake-registry.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import type { SignalingFixture } from '../support/signaling-fixture.ts';

const PWD = 'zyxwvutsrqponmlkjihgfedc';
const trickle = (ufrag = 'abcd', pwd = 'abcdefghijklmnopqrstuvwx', ...extra: string[]) =>
  [
    'a=group:BUNDLE 0 1',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=mid:0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    'a=candidate:1 1 udp 1 192.0.2.1 9 typ host',
    ...extra,
    'a=end-of-candidates',
    '',
  ].join('\r\n');

/** Candidates that name no ICE session. */
const NAMELESS = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=end-of-candidates\r\n';

const post = (
  { url }: SignalingFixture,
  query = 'prompt=a+red+ball',
  body: string = offerSdp(),
  type = 'application/sdp',
) => fetch(`${url}/whep?${query}`, { method: 'POST', headers: { 'Content-Type': type }, body });

const patch = (url: string, body: string, ifMatch?: string, type = 'application/trickle-ice-sdpfrag') =>
  fetch(url, { method: 'PATCH', headers: { 'Content-Type': type, ...(ifMatch ? { 'If-Match': ifMatch } : {}) }, body });

const code = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

async function viewer(fixture: SignalingFixture) {
  const response = await post(fixture);
  await response.text();
  const etag = response.headers.get('ETag') ?? '';
  return { location: new URL(response.headers.get('Location') ?? '', `${fixture.url}/whep`).href, etag };
}

describe('POST /whep', () => {
  it('creates a session and answers as the draft wants', async () => {
    const iceServers = [{ urls: 'turn:t.example', username: 'u', credential: 'c"d' }];
    await using fixture = await startFixture({ iceServers: () => iceServers });
    const response = await post(
      fixture,
      'prompt=a+red+ball&seed=7&mode=clip&seconds=2.5&codec=H264&guidance=3&tierCap=base',
    );
    expect(response.status).toBe(201);
    expect(response.headers.get('Content-Type')).toBe('application/sdp');
    expect(response.headers.get('Location')).toBe('whep/session-1');
    expect(response.headers.get('ETag')).toMatch(/^"[\w-]+"$/);
    expect(response.headers.get('Accept-Patch')).toBe('application/trickle-ice-sdpfrag');
    expect(response.headers.get('Link')).toBe(
      '<v1/sessions/session-1/control>; rel="urn:glimpse:whep:control", ' +
        '<turn:t.example>; rel="ice-server"; username="u"; credential="c\\"d"; credential-type="password"',
    );
    expect(response.headers.get('Access-Control-Expose-Headers')).toMatch(/Location.*ETag.*Link/);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await response.text()).toContain(SERVER_CANDIDATE);
    expect(fixture.registry.latest.request).toEqual({
      resumable: false,
      prompt: 'a red ball',
      seed: 7,
      mode: 'clip',
      seconds: 2.5,
      codec: 'H264',
      guidance: 3,
      tierCap: 'base',
    });
  });

  const many = offerSdp({ extra: Array.from({ length: 70 }, () => `a=x:${'y'.repeat(1_000)}`) });
  it.each([
    ['another type', 'prompt=x', offerSdp(), 'text/plain', 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['an SDP that is none', 'prompt=x', 'hello', 'application/sdp', 400, 'SDP_INVALID'],
    ['no body', 'prompt=x', '', 'application/sdp', 400, 'SDP_INVALID'],
    ['an SDP over 64 KiB', 'prompt=x', many, 'application/sdp', 413, 'SDP_TOO_LARGE'],
    ['no prompt', '', offerSdp(), 'application/sdp', 400, 'PROMPT_EMPTY'],
    ['an empty prompt', 'prompt=', offerSdp(), 'application/sdp', 400, 'PROMPT_EMPTY'],
    ['a 3000-character prompt', `prompt=${'x'.repeat(3_000)}`, offerSdp(), 'application/sdp', 400, 'PROMPT_TOO_LONG'],
    ['an unknown codec', 'prompt=x&codec=AV9', offerSdp(), 'application/sdp', 406, 'CODEC_UNSUPPORTED'],
    ['a seed that is no number', 'prompt=x&seed=six', offerSdp(), 'application/sdp', 400, 'PARAMETER_INVALID'],
    ['an empty number', 'prompt=x&seconds=', offerSdp(), 'application/sdp', 400, 'PARAMETER_INVALID'],
    ['a clip of an hour', 'prompt=x&mode=clip&seconds=3600', offerSdp(), 'application/sdp', 400, 'PARAMETER_INVALID'],
  ])(
    'refuses %s with a code and its status, and other sessions go on',
    async (_, query, body, type, status, expected) => {
      await using fixture = await startFixture();
      await viewer(fixture);
      const response = await post(fixture, query, body, type);
      expect(response.status).toBe(status);
      expect(await code(response)).toBe(expected);
      expect([fixture.registry.created.length, fixture.registry.size]).toEqual([1, 1]);
    },
  );

  it('says when to come back when the server is full', async () => {
    await using fixture = await startFixture();
    fixture.registry.max = 0;
    const response = await post(fixture);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '2']);
    expect(await response.json()).toMatchObject({
      error: { code: 'SESSION_LIMIT', retryable: true, retryAfterMs: 1_500 },
    });
  });

  it('leaves no session behind when the offer cannot be answered', async () => {
    await using fixture = await startFixture();
    fixture.registry.onCreate = (session) => void (session.failNext = new GlimpseError('CODEC_UNSUPPORTED'));
    expect((await post(fixture)).status).toBe(406);
    expect(fixture.registry.size).toBe(0);
    expect((await patch(`${fixture.url}/whep/session-1`, trickle(), '*')).status).toBe(404);
  });
});

describe('PATCH /whep/{id}', () => {
  it('takes candidates, and 204 has neither body nor ETag', async () => {
    await using fixture = await startFixture();
    const { location, etag } = await viewer(fixture);
    const response = await patch(location, trickle(), etag);
    expect([response.status, response.headers.get('ETag'), await response.text()]).toEqual([204, null, '']);
    expect(fixture.registry.latest.candidates).toEqual([
      { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', usernameFragment: 'abcd' },
      null,
    ]);
  });

  it('discards a candidate it cannot use and takes the rest', async () => {
    await using fixture = await startFixture();
    const { location, etag } = await viewer(fixture);
    const odd = 'a=candidate:2 1 udp 1 0f.local 9 typ host';
    expect((await patch(location, trickle('abcd', undefined, odd), etag)).status).toBe(204);
    expect(fixture.registry.latest.candidates).toHaveLength(2);
  });

  it('needs no If-Match with the credentials of the present ICE session, and those of an old one do not count', async () => {
    await using fixture = await startFixture();
    const { location } = await viewer(fixture);
    expect((await patch(location, trickle())).status).toBe(204);
    expect((await patch(location, trickle('wxyz', PWD), '*')).status).toBe(200);
    expect((await patch(location, trickle())).status).toBe(428);
    expect((await patch(location, trickle('wxyz', PWD))).status).toBe(204);
  });

  it('restarts ICE when the credentials are new', async () => {
    await using fixture = await startFixture();
    const { location, etag } = await viewer(fixture);
    const response = await patch(location, trickle('wxyz', PWD), '*');
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/trickle-ice-sdpfrag');
    const renewed = response.headers.get('ETag') ?? '';
    expect(renewed).not.toBe(etag);
    const fragment = await response.text();
    expect(fragment).toContain('a=ice-ufrag:srv101');
    expect(fragment).toContain(`a=${SERVER_CANDIDATE}`);
    expect(fragment).toContain('a=ice-lite');
    expect(fragment).not.toContain('fingerprint');
    expect(fixture.registry.latest.restarts[0]).toContain('a=ice-ufrag:wxyz');
    expect((await patch(location, trickle('wxyz', PWD), etag)).status).toBe(412);
    expect((await patch(location, trickle('wxyz', PWD), renewed)).status).toBe(204);
  });

  it('keeps the ICE session when a restart fails', async () => {
    await using fixture = await startFixture();
    const { location, etag } = await viewer(fixture);
    fixture.registry.latest.failNext = new GlimpseError('SDP_INVALID');
    expect((await patch(location, trickle('wxyz', PWD), '*')).status).toBe(400);
    expect((await patch(location, trickle(), etag)).status).toBe(204);
    expect(fixture.registry.size).toBe(1);
  });

  it.each([
    ['a restart without If-Match', trickle('wxyz', PWD), undefined, undefined, 428, 'PRECONDITION_REQUIRED'],
    ['neither If-Match nor credentials', NAMELESS, undefined, undefined, 428, 'PRECONDITION_REQUIRED'],
    ['a stale ETag', trickle(), '"old"', undefined, 412, 'PRECONDITION_FAILED'],
    ['another type', trickle(), '*', 'application/sdp', 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['what is no fragment', 'hello', '*', undefined, 400, 'SDP_INVALID'],
    ['a restart with bad credentials', trickle('x', 'y'), '*', undefined, 400, 'SDP_INVALID'],
    ['a huge fragment', `a=x:${'y'.repeat(LIMITS.sdpMaxBytes)}`, '*', undefined, 413, 'SDP_TOO_LARGE'],
  ])('refuses %s and the session goes on', async (_, body, ifMatch, type, status, expected) => {
    await using fixture = await startFixture();
    const { location, etag } = await viewer(fixture);
    const response = await patch(location, body, ifMatch, type);
    expect([response.status, await code(response)]).toEqual([status, expected]);
    expect((await patch(location, trickle(), etag)).status).toBe(204);
  });
});

describe('the rest of WHEP', () => {
  it('ends the session by DELETE, whatever the ETag', async () => {
    await using fixture = await startFixture();
    const { location } = await viewer(fixture);
    const end = () => fetch(location, { method: 'DELETE', headers: { 'If-Match': '"old"' } });
    expect((await end()).status).toBe(200);
    expect(fixture.registry.size).toBe(0);
    const again = await end();
    expect([again.status, await code(again)]).toEqual([404, 'SESSION_NOT_FOUND']);
  });

  it('forgets a session that ended by itself', async () => {
    await using fixture = await startFixture();
    const { location } = await viewer(fixture);
    await fixture.registry.latest.close('consent expired');
    expect((await patch(location, trickle(), '*')).status).toBe(404);
  });

  it('answers preflights', async () => {
    await using fixture = await startFixture();
    const endpoint = await fetch(`${fixture.url}/whep`, { method: 'OPTIONS' });
    expect([endpoint.status, endpoint.headers.get('Accept-Post')]).toEqual([200, 'application/sdp']);
    expect(endpoint.headers.get('Access-Control-Allow-Methods')).toContain('PATCH');
    expect(endpoint.headers.get('Access-Control-Allow-Headers')).toContain('If-Match');
    const session = await fetch(`${fixture.url}/whep/any`, { method: 'OPTIONS' });
    expect(session.headers.get('Accept-Patch')).toBe('application/trickle-ice-sdpfrag');
  });

  it('gives success without content to GET', async () => {
    await using fixture = await startFixture();
    const { location } = await viewer(fixture);
    expect((await fetch(`${fixture.url}/whep`)).status).toBe(204);
    expect((await fetch(location)).status).toBe(204);
  });

  it('steers at the control URL of the Link header, and over the data channel', async () => {
    await using fixture = await startFixture();
    const created = await post(fixture);
    const control = /<([^>]+)>; rel="urn:glimpse:whep:control"/.exec(created.headers.get('Link') ?? '')?.[1];
    const body = JSON.stringify({ type: 'prompt', prompt: 'night' });
    const headers = { 'Content-Type': 'application/json' };
    const reply = await fetch(new URL(control ?? '', `${fixture.url}/whep`), { method: 'POST', headers, body });
    expect(await reply.json()).toMatchObject({ type: 'accepted', revision: 1, prompt: 'night' });
    const { events, channel } = fixture.registry.latest;
    events.emit('channelMessage', '{"type":"pause","id":1}');
    await new Promise((resolve) => setImmediate(resolve));
    expect(JSON.parse(channel[0] ?? '')).toMatchObject({ type: 'accepted', id: 1, revision: 2 });
  });
});
