/** HTTPS by the service itself: HTTP/2 and HTTP/1.1 on one port, WebSockets, and certificates that are renewed. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Access } from '../../signaling/access/access.ts';
import { readKeyPair, watchKeyPair } from '../../signaling/listen/tls.ts';
import { eventually } from '../support/eventually.ts';
import { certify } from '../../bench/support/wire/certificate.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { startFixture } from '../support/signaling-fixture.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const files = () => ({ cert: at('cert.pem'), key: at('key.pem') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-tls-'));
  certify(at('cert.pem'), at('key.pem'), 'localhost');
  certify(at('other.pem'), at('other.key'), 'renewed');
});
afterAll(() => rm(folder, { recursive: true }));

const commonName = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });

describe('with a certificate', () => {
  it('the port speaks HTTP/2, HTTP/1.1 and WebSocket, and closes with nothing left', async () => {
    const before = takeHoldings();
    {
      await using fixture = await startFixture({ tls: files() });
      const { url, port } = fixture.server;
      expect(url).toBe(`https://127.0.0.1:${port}`);

      const session = connectHttp2(url, { rejectUnauthorized: false });
      const stream = session.request({ ':path': '/healthz' });
      const status = new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
      expect(await status).toBe(200);
      expect(session.alpnProtocol).toBe('h2');
      session.destroy();

      const plain = new Promise((resolve, reject) => {
        const asked = request(`${url}/readyz`, { rejectUnauthorized: false, agent: false }, (response) => {
          response.resume();
          resolve([response.httpVersion, response.statusCode]);
        });
        asked.on('error', reject).end();
      });
      expect(await plain).toEqual(['1.1', 200]);

      const socket = new WebSocket(`wss://127.0.0.1:${port}/signal`, { rejectUnauthorized: false });
      const greeting = await new Promise<string>((resolve) =>
        socket.once('message', (data) => resolve((data as Buffer).toString())),
      );
      expect(JSON.parse(greeting)).toMatchObject({ type: 'welcome' });
      socket.terminate();
    }
    await expectNoLeaks(before);
  });

  it('a page of its own is one over HTTP/2 as over HTTP/1.1', async () => {
    const access = new Access({ origins: { kind: 'same-host' } });
    await using fixture = await startFixture({ tls: files(), access });
    const { url } = fixture.server;
    const ask = async (origin: string) => {
      const session = connectHttp2(url, { rejectUnauthorized: false });
      const stream = session.request({ ':path': '/whep', ':method': 'OPTIONS', origin });
      const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
      session.destroy();
      return headers[':status'];
    };
    expect(await ask(url)).toBe(200);
    expect(await ask('https://other.example')).toBe(403);
  });

  it('a page whose name was rebound reads no metrics over HTTP/2 either', async () => {
    await using fixture = await startFixture({ tls: files() });
    const ask = async (authority: string) => {
      const session = connectHttp2(fixture.server.url, { rejectUnauthorized: false });
      const stream = session.request({ ':path': '/metrics', ':authority': authority });
      const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
      session.destroy();
      return headers[':status'];
    };
    expect(await ask(`127.0.0.1:${fixture.server.port}`)).toBe(200);
    expect(await ask(`app.localhost:${fixture.server.port}`)).toBe(200);
    expect(await ask('rebound.example')).toBe(421);
  });

  it('an upgrade that is not for a WebSocket is answered as if it had not asked', async () => {
    await using fixture = await startFixture({ tls: files() });
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const options = { rejectUnauthorized: false, agent: false, headers };
    const [response] = (await once(request(`${fixture.server.url}/healthz`, options).end(), 'response')) as [
      IncomingMessage,
    ];
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  it('a client that speaks no TLS is refused, and others go on', async () => {
    await using fixture = await startFixture({ tls: files() });
    await expect(fetch(`http://127.0.0.1:${fixture.server.port}/healthz`)).rejects.toThrow();
    expect(await commonName(fixture.server.port)).toBe('localhost');
  });
});

describe('the certificate', () => {
  it.each([
    ['that is not there', { cert: '/nowhere', key: '/nowhere' }, /cannot be read/],
    ['with the key of another', { cert: 'cert.pem', key: 'other.key' }, /no matching pair/],
    ['that is none', { cert: 'key.pem', key: 'cert.pem' }, /no matching pair/],
  ])('%s is refused before anything listens', async (_what, { cert, key }, message) => {
    const tls = { cert: cert.startsWith('/') ? cert : at(cert), key: key.startsWith('/') ? key : at(key) };
    await expect(startFixture({ tls })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is read again when it changes, and stays when the new one is broken', async () => {
    const watched = { cert: at('watched.pem'), key: at('watched.key') };
    await cp(at('cert.pem'), watched.cert);
    await cp(at('key.pem'), watched.key);
    const renewed: string[] = [];
    const trouble: unknown[] = [];
    const stop = watchKeyPair(watched, {
      onRenewed: ({ cert }) => renewed.push(cert.toString()),
      onTrouble: (error) => trouble.push(error),
      everyMs: 20,
    });
    await writeFile(watched.cert, 'half a file');
    await eventually(() => expect(trouble.length).toBeGreaterThan(0));
    expect(renewed).toEqual([]);
    await cp(at('other.key'), watched.key);
    await cp(at('other.pem'), watched.cert);
    await eventually(() => expect(renewed.at(-1)).toBe(readKeyPair(watched).cert.toString()));
    stop();
  });
});
