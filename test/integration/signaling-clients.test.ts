/** What HTTP clients, proxies, health checks and browsers ask in ways of their own, as people have reported it. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Access } from '../../signaling/access/access.ts';
import { TokenVerifier } from '../../signaling/access/tokens.ts';
import { parseOrigins } from '../../signaling/access/origins.ts';
import { silentLog } from '../../src/log.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import type { SignalingFixture } from '../support/signaling-fixture.ts';
import { AUDIENCE, hs256, SECRET } from '../support/tokens.ts';

/** Sends bytes as they stand; resolves with all that comes back until the server closes. */
async function exchange({ server }: SignalingFixture, ...lines: string[]): Promise<string> {
  const socket = connectTcp(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(lines.join('\r\n'));
  return text(socket);
}
const statusOf = (reply: string): number => Number(reply.split(' ')[1]);
const H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'];

describe('a request with an upgrade that is not for a WebSocket', () => {
  it('is answered as if it had not asked', async () => {
    await using fixture = await startFixture();
    const ended = ['Host: x', ...H2C.map((line) => line.replace('Upgrade, ', 'close, Upgrade, '))];
    expect(statusOf(await exchange(fixture, 'GET /healthz HTTP/1.1', ...ended, '', ''))).toBe(200);
    const body = offerSdp();
    const headers = ['Content-Type: application/sdp', `Content-Length: ${body.length}`];
    const whep = await exchange(fixture, 'POST /whep?prompt=sea HTTP/1.1', ...ended, ...headers, '', body);
    expect(statusOf(whep)).toBe(201);
  });

  it('is a WebSocket elsewhere, and that address has none', async () => {
    await using fixture = await startFixture();
    const upgrade = ['Host: x', 'Connection: close, Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    expect(statusOf(await exchange(fixture, 'GET /healthz HTTP/1.1', ...upgrade, key, '', ''))).toBe(200);
  });
});

describe('/signal without an upgrade', () => {
  it('is 426 with what would be right, and the operator is told once', async () => {
    const told: string[] = [];
    const log = { ...silentLog, warn: (...words: unknown[]) => void told.push(String(words.at(-1))) };
    await using fixture = await startFixture({ log });
    for (let times = 0; times < 3; times++) {
      const response = await fetch(`${fixture.url}/signal`);
      expect([response.status, response.headers.get('Upgrade')]).toEqual([426, 'websocket']);
      expect(await response.json()).toMatchObject({ error: { code: 'UPGRADE_REQUIRED' } });
    }
    expect(told).toEqual([expect.stringMatching(/\/signal.*proxy/)]);
    await (await fixture.connect()).offer();
  });
});

describe('a health check', () => {
  it('by HTTP/1.0 needs no Host, and by HTTP/1.1 does', async () => {
    await using fixture = await startFixture();
    const old = await exchange(fixture, 'GET /healthz HTTP/1.0', '', '');
    expect(statusOf(old)).toBe(200);
    expect(old).toContain('{"ok":true}');
    expect(statusOf(await exchange(fixture, 'GET /healthz HTTP/1.1', 'Connection: close', '', ''))).toBe(400);
  });
});

describe('an address', () => {
  it('is the same with a slash at its end', async () => {
    await using fixture = await startFixture();
    const headers = { 'Content-Type': 'application/sdp' };
    const url = `${fixture.url}/whep/?prompt=sea`;
    const created = await fetch(url, { method: 'POST', headers, body: offerSdp() });
    expect(created.status).toBe(201);
    const session = new URL(created.headers.get('Location') ?? '', url);
    expect(session.pathname).toBe('/whep/session-1');
    expect((await fetch(`${session.href}/`, { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(`${fixture.url}/healthz/`)).status).toBe(200);
  });

  it.each([
    ['PUT', '/whep', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/whep/', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/whep', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/whep/session-1', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['PATCH', '/v1/sessions/session-1', 'GET, HEAD, DELETE'],
    ['GET', '/v1/sessions/session-1/control', 'POST'],
  ])('says to %s %s which methods it takes', async (method, path, allow) => {
    await using fixture = await startFixture();
    const response = await fetch(fixture.url + path, { method });
    expect([response.status, response.headers.get('Allow')]).toEqual([405, allow]);
    expect(await response.json()).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } });
  });
});

describe('a page of another origin that is allowed', () => {
  const ORIGIN = 'https://app.example';
  const allowed = () => new Access({ origins: parseOrigins(`${ORIGIN}, tauri://localhost`)! });
  const preflight = (url: string, headers: string, origin = ORIGIN) =>
    fetch(url, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': headers,
      },
    });

  it('may send the headers it asks for, as tracers do', async () => {
    await using fixture = await startFixture({ access: allowed() });
    for (const path of ['/whep', '/whep/id', '/v1/clips', '/v1/sessions/id/control', '/v1/inputs']) {
      const response = await preflight(fixture.url + path, 'baggage,content-type,sentry-trace,traceparent');
      expect(response.status, path).toBe(200);
      expect(response.headers.get('Access-Control-Allow-Headers')).toBe(
        'baggage,content-type,sentry-trace,traceparent',
      );
      expect(response.headers.get('Vary')).toBe('Origin, Access-Control-Request-Headers');
    }
    expect((await preflight(`${fixture.url}/whep`, 'content-type', 'tauri://localhost')).status).toBe(200);
    expect((await preflight(`${fixture.url}/whep`, 'content-type', 'https://other.example')).status).toBe(403);
  });

  it.each(['no header name', '<script>', `${'x,'.repeat(5_000)}x`])(
    'hears the usual list when what it asks for is no list of names: %.20s',
    async (asked) => {
      await using fixture = await startFixture({ access: allowed() });
      const response = await preflight(`${fixture.url}/whep`, asked);
      expect(response.headers.get('Access-Control-Allow-Headers')).toBe('Content-Type, If-Match, Authorization');
    },
  );

  it('reads what part of a file it got', async () => {
    await using fixture = await startFixture({ access: allowed() });
    const response = await fetch(`${fixture.url}/v1/clips/id.mp4`, { headers: { Origin: ORIGIN } });
    expect(response.headers.get('Access-Control-Expose-Headers')).toMatch(/Content-Range.*Accept-Ranges/);
  });
});

describe('OPTIONS /whep', () => {
  const iceServers = () => [
    { urls: 'stun:s.example' },
    { urls: 'turn:t.example', username: 'u', credential: 'secret' },
  ];
  const ask = (url: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/whep`, { method: 'OPTIONS', headers }).then(({ headers: answered }) => answered.get('Link'));

  it('names the ICE servers', async () => {
    await using fixture = await startFixture({ iceServers });
    expect(await ask(fixture.url)).toMatch(
      /^<stun:s.example>; rel="ice-server", <turn:t.example>; .*credential="secret"/,
    );
  });

  it('names relays to holders of a token only, and to no preflight', async () => {
    const access = new Access({ tokens: await TokenVerifier.create({ secret: SECRET, audience: AUDIENCE }) });
    await using fixture = await startFixture({ iceServers, access });
    const stun = '<stun:s.example>; rel="ice-server"';
    expect(await ask(fixture.url)).toBe(stun);
    const Authorization = `Bearer ${await hs256()}`;
    expect(await ask(fixture.url, { Authorization })).toContain('credential="secret"');
    expect(await ask(fixture.url, { Authorization, 'Access-Control-Request-Method': 'POST' })).toBe(stun);
    expect(await ask(fixture.url, { Authorization: 'Bearer forged' })).toBeNull();
  });
});
