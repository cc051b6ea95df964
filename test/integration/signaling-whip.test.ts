/** WHIP's own rules (RFC 9725) over real HTTP: what each request is answered with, and who may send it. */
import { describe, expect, it } from 'vitest';
import { SERVER_CANDIDATE } from '../support/fake-registry.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { startFixture, type SignalingFixture } from '../support/signaling-fixture.ts';

const SDP = { 'Content-Type': 'application/sdp' };
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const trickle = (ufrag: string, pwd: string): string =>
  [
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'a=mid:0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    'a=candidate:1 1 udp 1 192.0.2.1 9 typ host',
    'a=end-of-candidates',
    '',
  ].join('\r\n');

/** As a camera sends it. */
const CAMERA_OFFER = offerSdp().replace('a=recvonly', 'a=sendonly');

/** A session to publish into. */
async function watched(): Promise<SignalingFixture & { session: string }> {
  const fixture = await startFixture({
    iceServers: () => [{ urls: 'turn:t.example', username: 'u', credential: 'c' }],
  });
  await (await fetch(`${fixture.url}/whep?prompt=x`, { method: 'POST', headers: SDP, body: offerSdp() })).text();
  return Object.assign(fixture, { session: fixture.registry.latest.id });
}

const publish = (
  { url }: SignalingFixture,
  session: string,
  headers: Record<string, string> = SDP,
  body = CAMERA_OFFER,
) => fetch(`${url}/whip?session=${session}`, { method: 'POST', headers, body });

const patch = (url: string, body: string, ifMatch?: string) =>
  fetch(url, { method: 'PATCH', headers: { 'Content-Type': FRAGMENT, ...(ifMatch && { 'If-Match': ifMatch }) }, body });

const code = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe('POST /whip', () => {
  it('answers 201 with the publication, its ETag and the ICE servers', async () => {
    await using fixture = await watched();
    const response = await publish(fixture, fixture.session);
    expect(response.status).toBe(201);
    expect(await response.text()).toContain(SERVER_CANDIDATE);
    expect(response.headers.get('Location')).toBe('whip/camera-1');
    expect(response.headers.get('ETag')).toMatch(/^".+"$/);
    expect(response.headers.get('Accept-Patch')).toBe(FRAGMENT);
    expect(response.headers.get('Link')).toContain('rel="ice-server"');
  });

  it.each([
    ['no session', '', SDP, offerSdp(), 400, 'PARAMETER_INVALID'],
    ['a long session', 'x'.repeat(100), SDP, offerSdp(), 400, 'PARAMETER_INVALID'],
    ['an unknown session', 'nobody', SDP, offerSdp(), 404, 'SESSION_NOT_FOUND'],
    ['another type', 'session-1', { 'Content-Type': 'text/plain' }, offerSdp(), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['an SDP that is none', 'session-1', SDP, 'hello', 400, 'SDP_INVALID'],
    ['an offer that sends no video', 'session-1', SDP, offerSdp(), 400, 'SDP_INVALID'],
  ])('refuses %s with a code', async (_, session, headers, body, status, expected) => {
    await using fixture = await watched();
    const response = await publish(fixture, session, headers, body);
    expect([response.status, await code(response)]).toEqual([status, expected]);
    expect(fixture.registry.latest.publications).toEqual([]);
    expect(fixture.registry.size).toBe(1);
  });

  it('answers other methods with 405, and OPTIONS with what it takes', async () => {
    await using fixture = await watched();
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(`${fixture.url}/whip`, { method });
      expect([method, response.status, response.headers.get('Allow')]).toEqual([method, 405, 'POST, OPTIONS']);
    }
    const options = await fetch(`${fixture.url}/whip`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('Accept-Post')]).toEqual([200, 'application/sdp']);
  });
});

describe('a publication', () => {
  const published = async () => {
    const fixture = await watched();
    const response = await publish(fixture, fixture.session);
    await response.text();
    const [publication] = fixture.registry.latest.publications;
    return Object.assign(fixture, {
      publication: publication!,
      location: `${fixture.url}/whip/camera-1`,
      etag: response.headers.get('ETag')!,
    });
  };

  it('takes candidates, and restarts ICE when the credentials are new', async () => {
    await using fixture = await published();
    const { location, etag, publication } = fixture;
    const trickled = await patch(location, trickle('abcd', 'abcdefghijklmnopqrstuvwx'), etag);
    expect(trickled.status).toBe(204);
    expect(publication.candidates).toHaveLength(2);
    const restarted = await patch(location, trickle('wxyz', 'zyxwvutsrqponmlkjihgfedc'), etag);
    expect([restarted.status, restarted.headers.get('Content-Type')]).toEqual([200, FRAGMENT]);
    expect(restarted.headers.get('ETag')).not.toBe(etag);
    expect(publication.offers[1]).toContain('a=ice-ufrag:wxyz');
    expect((await patch(location, trickle('wxyz', 'zyxwvutsrqponmlkjihgfedc'), etag)).status).toBe(412);
  });

  it('ends by DELETE, and its session goes on', async () => {
    await using fixture = await published();
    const { location, publication, registry } = fixture;
    expect((await fetch(location, { method: 'DELETE' })).status).toBe(200);
    expect(publication.closedWith).toBe('the camera left');
    expect((await fetch(location, { method: 'DELETE' })).status).toBe(404);
    expect(registry.size).toBe(1);
  });
});
