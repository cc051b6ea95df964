import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { sessionBody } from '../../signaling/http/api-bodies.ts';
import { errorBody } from '../../signaling/protocol.ts';
import { httpApp } from '../../signaling/http/http.ts';
import { LIMITS } from '../../src/limits.ts';
import { Clips } from '../../src/clips/clip-library.ts';
import { silentLog } from '../../src/log.ts';
import { startFixture } from '../support/signaling-fixture.ts';
import { openGate } from '../support/gate.ts';
import type { SignalingFixture } from '../support/signaling-fixture.ts';

const READY = { modelWarm: true, encoderAlive: true };

async function failure(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: unknown };
  return [response.status, errorBody.parse(error).code];
}

/** Sends a path as it stands, which fetch would normalise; resolves with the status. */
const rawGet = ({ server }: SignalingFixture, path: string) =>
  new Promise<number>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, path }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject).end();
  });

const postControl = (address: string, body: BodyInit, type = 'application/json') =>
  fetch(address, { method: 'POST', headers: { 'Content-Type': type }, body });

/** Starts a session and returns its address. */
const start = async (fixture: SignalingFixture) => {
  const client = await fixture.connect();
  const { sessionId } = await client.offer();
  return `${fixture.url}/v1/sessions/${sessionId}`;
};

describe('/v1/sessions/{id}', () => {
  it('shows state and stats', async () => {
    await using fixture = await startFixture();
    const response = await fetch(await start(fixture));
    expect(sessionBody.parse(await response.json())).toMatchObject({ id: 'session-1', state: 'live' });
    expect(response.headers.get('Cache-Control')).toBe('no-store');
  });

  it('is ended by DELETE', async () => {
    await using fixture = await startFixture();
    const address = await start(fixture);
    expect((await fetch(address, { method: 'DELETE' })).status).toBe(204);
    expect(fixture.registry.size).toBe(0);
    expect(await failure(await fetch(address))).toEqual([404, 'SESSION_NOT_FOUND']);
  });

  it.each([
    ['malformed JSON', '{', 400, 'MESSAGE_INVALID'],
    ['an unknown type', '{"type":"dance"}', 400, 'MESSAGE_INVALID'],
    ['an offer', '{"type":"offer"}', 400, 'MESSAGE_INVALID'],
    ['an empty prompt', '{"type":"prompt","prompt":""}', 400, 'PROMPT_EMPTY'],
    ['a 3000-character prompt', JSON.stringify({ type: 'prompt', prompt: 'x'.repeat(3_000) }), 400, 'PROMPT_TOO_LONG'],
    ['a guidance out of range', '{"type":"steer","guidance":99}', 400, 'PARAMETER_INVALID'],
    ['a body over the limit', 'x'.repeat(LIMITS.messageMaxBytes + 1), 413, 'MESSAGE_TOO_LARGE'],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe]), 400, 'MESSAGE_INVALID'],
  ])('refuses %s as a control, and the session goes on', async (_, body, status, code) => {
    await using fixture = await startFixture();
    const address = `${await start(fixture)}/control`;
    expect(await failure(await postControl(address, body))).toEqual([status, code]);
    const reply = await postControl(address, '{"type":"pause","id":2}', 'application/json; charset=utf-8');
    expect(await reply.json()).toMatchObject({ type: 'accepted', id: 2 });
  });

  it('takes controls as JSON only', async () => {
    await using fixture = await startFixture();
    const address = `${await start(fixture)}/control`;
    const body = '{"type":"pause"}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      expect(await failure(await postControl(address, body, type))).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
    }
    expect(fixture.registry.sessions.get('session-1')?.controls).toEqual([]);
  });

  it('applies the controls of a session one by one, refuses those beyond the limit, and goes on', async () => {
    await using fixture = await startFixture();
    const address = `${await start(fixture)}/control`;
    const session = fixture.registry.get('session-1');
    const apply = session.control.bind(session);
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let runningMax = 0;
    session.control = async (control) => {
      runningMax = Math.max(runningMax, ++running);
      await gate.promise;
      running--;
      return apply(control);
    };
    const count = LIMITS.messagesPendingMax + 20;
    const replies = Array.from({ length: count }, () => postControl(address, '{"type":"pause"}'));
    const answered = Promise.all(replies);
    const refused: Response[] = [];
    const noted = replies.map(async (reply) => {
      const response = await reply;
      if (response.status !== 200) refused.push(response);
    });
    try {
      await expect.poll(() => refused.length).toBe(20);
      for (const response of refused) expect(await failure(response)).toEqual([429, 'RATE_LIMITED']);
    } finally {
      // Nothing that was sent may outlive the server it was sent to.
      gate.resolve();
      await Promise.allSettled(noted);
    }
    const taken = (await answered).filter(({ status }) => status === 200);
    expect(taken).toHaveLength(LIMITS.messagesPendingMax);
    expect(runningMax).toBe(1);
    expect((await postControl(address, '{"type":"play"}')).status).toBe(200);
  });

  it('lets the event loop turn between the controls of a burst', async () => {
    await using fixture = await startFixture();
    const address = `${await start(fixture)}/control`;
    const session = fixture.registry.get('session-1');
    const apply = session.control.bind(session);
    let turn = 0;
    let turning = setImmediate(function next() {
      turn++;
      turning = setImmediate(next);
    });
    const gate = Promise.withResolvers<void>();
    const turns: number[] = [];
    session.control = async (control) => {
      await gate.promise;
      turns.push(turn);
      return apply(control);
    };
    const arrived = vi.spyOn(fixture.registry, 'get');
    const replies = Promise.all(Array.from({ length: 50 }, () => postControl(address, '{"type":"pause"}')));
    try {
      await expect.poll(() => arrived.mock.calls.length).toBe(50);
    } finally {
      gate.resolve();
      await Promise.allSettled([replies]);
      clearImmediate(turning);
    }
    expect(new Set(turns).size).toBe(50);
  });

  it('cuts off a body without a length once it is too long', async () => {
    await using fixture = await startFixture();
    const address = `${await start(fixture)}/control`;
    let sentBytes = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sentBytes += 16_384;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
    // The server may answer, or hang up on a sender that does not stop: either way it has read no more than a little.
    const headers = { 'Content-Type': 'application/json' };
    await fetch(address, { method: 'POST', headers, body: endless, duplex: 'half' } as RequestInit).then(
      async (response) => expect(await failure(response)).toEqual([413, 'MESSAGE_TOO_LARGE']),
      () => {},
    );
    expect(sentBytes).toBeLessThan(64 * LIMITS.messageMaxBytes);
    expect((await postControl(address, '{"type":"pause"}')).status).toBe(200);
  });

  it('answers for an unknown session and an unknown address with different codes', async () => {
    await using fixture = await startFixture();
    const body = '{"type":"pause"}';
    const control = await fetch(`${fixture.url}/v1/sessions/nobody/control`, { method: 'POST', body });
    expect(await failure(control)).toEqual([404, 'SESSION_NOT_FOUND']);
    expect(await failure(await fetch(`${fixture.url}/v2`))).toEqual([404, 'NOT_FOUND']);
    expect(await failure(await fetch(`${fixture.url}/whep`, { method: 'PUT' }))).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });
});

describe('health and metrics', () => {
  it('is alive, and ready only when model and encoder are', async () => {
    let readiness = { modelWarm: false, encoderAlive: false };
    await using fixture = await startFixture({ readiness: () => readiness });
    expect((await fetch(`${fixture.url}/healthz`)).status).toBe(200);
    const early = await fetch(`${fixture.url}/readyz`);
    expect(early.status).toBe(503);
    expect(await early.json()).toEqual({
      ready: false,
      reasons: ['the video encoder is not alive', 'the model is not warm yet'],
    });
    readiness = READY;
    const late = await fetch(`${fixture.url}/readyz`);
    expect([late.status, await late.json()]).toEqual([200, { ready: true, reasons: [] }]);
  });

  it('exposes metrics with the number of sessions as it is', async () => {
    await using fixture = await startFixture();
    await (await fixture.connect()).offer();
    const response = await fetch(`${fixture.url}/metrics`);
    expect(response.headers.get('Content-Type')).toContain('text/plain');
    expect(await response.text()).toContain('glimpse_sessions 1');
  });
});

describe('/openapi.json', () => {
  it.each([
    ['without clips', undefined],
    ['with clips', new Clips({ maxBytes: 1, slice: { frames: 8, fps: 12 }, make: async () => {} })],
  ])('describes exactly the addresses that are served, %s', async (_, clips) => {
    await using fixture = await startFixture({ clips });
    const document = (await (await fetch(`${fixture.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    const { registry, metrics } = fixture;
    const gate = openGate(registry);
    const options = {
      gate,
      metrics,
      host: '127.0.0.1',
      metricsHere: true,
      iceServers: () => [],
      log: silentLog,
      readiness: () => READY,
      clips,
    };
    const served = httpApp(options)
      .routes.filter(({ method, path }) => method !== 'ALL' && !path.includes('*') && path !== '/')
      .map(
        ({ method, path }) =>
          `${method.toLowerCase()} ${path.replace('/:file{[\\w-]+\\.mp4}', '/{id}.mp4').replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')}`,
      );
    expect(described.includes('get /v1/clips/{id}.mp4')).toBe(clips !== undefined);
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
  });

  it('has the schemas of the wire, and every reference leads somewhere', async () => {
    await using fixture = await startFixture();
    const text = await (await fetch(`${fixture.url}/openapi.json`)).text();
    const { components } = JSON.parse(text) as { components: { schemas: Record<string, object> } };
    expect(JSON.stringify(components.schemas['ClientMessage'])).toContain('resumeToken');
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(components.schemas).toHaveProperty(name ?? '');
  });
});

describe('the page', () => {
  it('says in one line how to build it', async () => {
    await using fixture = await startFixture({ pageDirectory: '/nowhere' });
    const response = await fetch(fixture.url);
    expect(response.headers.get('Content-Type')).toContain('text/plain');
    expect(await response.text()).toMatch(/^.*vite build client-demo.*\n$/);
  });

  it('is served with types and cache headers, and nothing beside it', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'glimpse-page-'));
    const pageDirectory = join(parent, 'page');
    await mkdir(join(pageDirectory, 'assets'), { recursive: true });
    await writeFile(join(pageDirectory, 'index.html'), '<title>Glimpse</title>');
    await writeFile(join(pageDirectory, 'assets', 'index-DiwrgTda.js'), 'export {};');
    await writeFile(join(parent, 'secret.txt'), 'secret');
    await using fixture = await startFixture({ pageDirectory });
    const page = await fetch(fixture.url);
    expect([page.status, page.headers.get('Cache-Control'), await page.text()]).toEqual([
      200,
      'no-cache',
      '<title>Glimpse</title>',
    ]);
    expect(page.headers.get('Content-Type')).toContain('text/html');
    const asset = await fetch(`${fixture.url}/assets/index-DiwrgTda.js`);
    expect(asset.headers.get('Content-Type')).toContain('javascript');
    expect(asset.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/..\\..\\..\\secret.txt',
      '/%00',
    ]) {
      expect(await rawGet(fixture, path), path).toBeGreaterThanOrEqual(400);
    }
    expect(await failure(await fetch(`${fixture.url}/missing.js`))).toEqual([404, 'NOT_FOUND']);
    await rm(parent, { recursive: true });
  });
});
