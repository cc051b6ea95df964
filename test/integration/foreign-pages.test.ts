/** What a page of the internet can do to a server on its visitor's own machine: nothing that lasts, and nothing to read. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Access } from '../../signaling/access/access.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import { dial, offerSdp, postWhep, startPattern } from '../support/pattern-service.ts';
import { SECRET, hs256 } from '../support/tokens.ts';

const EVIL = 'https://evil.example';
/** One more than the score that is refused has points. */
const MANY = 30;

/** With a Host of the caller's choice, which `fetch` does not give; `undefined` sends none, by HTTP/1.0. */
function ask(url: string, host?: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { Host: host };
    get(url, { headers, setHost: host !== undefined }, (response) => {
      void text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    }).on('error', reject);
  });
}

describe('a foreign page', () => {
  it('locks nobody out of their own server, by whatever it sends', async () => {
    await using service = await startPattern({ abuseScore: 20 });
    for (let count = 0; count < MANY; count++) {
      const posted = await postWhep(service, offerSdp(), { headers: { Origin: EVIL } });
      expect(posted.status).toBe(403);
      // A picture or a link of another site has no Origin.
      const picture = await fetch(`${service.url}/v1/sessions/x`, { headers: { 'Sec-Fetch-Site': 'cross-site' } });
      expect(picture.status).toBe(404);
    }
    for (let count = 0; count < MANY; count++) await dial(service, { headers: { Origin: EVIL } }).closed;
    expect((await postWhep(service, offerSdp())).status).toBe(201);
  });

  it('is not excused for what other machines say of themselves', async () => {
    await using service = await startPattern({ abuseScore: 20, trustedProxies: '127.0.0.1' });
    const headers = { 'Sec-Fetch-Site': 'same-origin', 'X-Forwarded-For': '192.0.2.1' };
    const statuses: number[] = [];
    for (let count = 0; count < MANY; count++)
      statuses.push((await fetch(`${service.url}/v1/sessions/x`, { headers })).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([404, 429]);
  });

  it.each(['/metrics', '/debug/abuse'])('whose name points here (DNS rebinding) reads nothing of %s', async (path) => {
    await using fixture = await startFixture();
    const { port } = fixture.server;
    expect(await ask(fixture.url + path, `evil.example:${port}`)).toMatchObject({ status: 421 });
    expect((await ask(fixture.url + path, 'evil.example')).body).toContain('HOST_FORBIDDEN');
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, '[::1]'])
      expect((await ask(fixture.url + path, host)).status).toBe(200);
  });

  it('reads nothing of the metrics port', async () => {
    await using fixture = await startFixture({ metricsOn: { host: '127.0.0.1', port: 0 } });
    const { metricsUrl = '' } = fixture.server;
    for (const path of ['/metrics', '/debug/abuse', '/readyz'])
      expect((await ask(metricsUrl + path, 'evil.example:9464')).status).toBe(421);
    expect((await ask(`${metricsUrl}/metrics`, 'localhost:9464')).status).toBe(200);
  });
});

describe('an answer', () => {
  it('bounds what a browser does with it', async () => {
    await using service = await startPattern({ metricsPort: 0 });
    for (const url of [`${service.url}/healthz`, `${service.url}/v1/sessions/x`, `${service.metricsUrl}/metrics`]) {
      const { headers } = await fetch(url);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': "frame-ancestors 'self'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'referrer-policy': 'no-referrer',
      });
      expect(headers.has('strict-transport-security')).toBe(false);
    }
  });
});

it('the page says where its scripts may come from, and who may frame it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-page-'));
  await writeFile(join(folder, 'index.html'), '<!doctype html>');
  await using fixture = await startFixture({ pageDirectory: folder });
  const policy = (await fetch(fixture.url)).headers.get('content-security-policy') ?? '';
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining(["default-src 'self'", "frame-ancestors 'self'", "object-src 'none'", "base-uri 'none'"]),
  );
  expect(policy).not.toContain('unsafe');
  await rm(folder, { recursive: true });
});

describe('strangers, where tokens are needed,', () => {
  const reasons = ['there is no room for another session'];
  const readiness = () => ({ modelWarm: true, encoderAlive: true, reasons });

  it('hear whether the server is ready, and not why', async () => {
    await using service = await startPattern({ authSecret: SECRET, metricsPort: 0 });
    expect(await (await fetch(`${service.url}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
    await using closed = await startFixture({ readiness, metricsOn: { host: '127.0.0.1', port: 0 } });
    expect(await (await fetch(`${closed.server.metricsUrl}/readyz`)).json()).toEqual({ ready: false, reasons });
    expect(await (await fetch(`${closed.url}/readyz`)).json()).toEqual({ ready: false, reasons });
    const access = new Access({ tokens: { verify: () => Promise.reject(new Error('no')) } });
    await using guarded = await startFixture({ readiness, access });
    expect(await (await fetch(`${guarded.url}/readyz`)).json()).toEqual({ ready: false, reasons: [] });
  });

  it('get no description of it', async () => {
    await using service = await startPattern({ authSecret: SECRET });
    expect((await fetch(`${service.url}/openapi.json`)).status).toBe(401);
    const headers = { Authorization: `Bearer ${await hs256()}` };
    expect((await fetch(`${service.url}/openapi.json`, { headers })).status).toBe(200);
  });
});
