/** Connections hoarded by one address, and HTTP/2 streams that never end: neither keeps others out, or stays. */
import { once } from 'node:events';
import { connect as connectHttp2, createSecureServer, type ClientHttp2Stream } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConnectionShare } from '../../signaling/listen/connection-share.ts';
import { HTTP2_STREAMS_MAX, keepHttp2Limits } from '../../signaling/listen/http2-limits.ts';
import { readKeyPair } from '../../signaling/listen/tls.ts';
import { LIMITS } from '../../src/limits.ts';
import { temporaryCertificate } from '../../bench/support/wire/certificate.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { startFixture } from '../support/signaling-fixture.ts';

const REQUEST = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Opens a connection and asks once; stays open. */
async function hoard(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  socket.write(REQUEST);
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  return socket;
}

describe('connections of one address', () => {
  it('are so many and no more; others are served meanwhile, and its own again once some have closed', async () => {
    await using fixture = await startFixture();
    const { port } = fixture.server;
    const sockets: Socket[] = [];
    for (let count = 0; count < LIMITS.connectionsPerAddressMax + 40; count++) sockets.push(await hoard(port));
    expect(
      sockets.filter(({ destroyed, readyState }) => !destroyed && readyState === 'open').length,
    ).toBeLessThanOrEqual(LIMITS.connectionsPerAddressMax);
    const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    other.end(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(await text(other)).toContain('200 OK');
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await hoard(port)).destroyed).toBe(false);
  });

  it('of a named proxy are of many, and not counted', () => {
    const share = new ConnectionShare(1, (remote) => (remote === '10.0.0.1' ? undefined : remote));
    let closed = 0;
    const from = (remoteAddress: string) => {
      const socket = { remoteAddress, once: () => socket, destroy: () => ((closed += 1), socket) };
      return share.take(socket as unknown as Socket);
    };
    expect([from('10.0.0.1'), from('10.0.0.1'), from('192.0.2.1'), from('192.0.2.1')]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(closed).toBe(1);
  });
});

describe('over HTTP/2', () => {
  let certificate: Awaited<ReturnType<typeof temporaryCertificate>>;
  beforeAll(async () => {
    certificate = await temporaryCertificate();
  });
  afterAll(() => certificate[Symbol.asyncDispose]());

  /** A server with short times, that reads what it gets or does not. */
  async function serve(reads: boolean, times = { bodyMs: 300, idleMs: 60_000 }) {
    const server = createSecureServer(readKeyPair(certificate));
    keepHttp2Limits(server, times);
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      if (reads) stream.resume();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      rejectUnauthorized: false,
    });
    session.on('error', () => {});
    return {
      session,
      async [Symbol.asyncDispose]() {
        session.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }
  const ended = (stream: ClientHttp2Stream) =>
    new Promise((resolve) => {
      stream.on('error', () => {});
      stream.on('close', () => resolve(stream.rstCode));
    });

  it.each([true, false])('a body that never ends is cut off, whether it is read (%s) or not', async (reads) => {
    await using served = await serve(reads);
    const stream = served.session.request({ ':method': 'POST', ':path': '/' });
    const drip = setInterval(() => stream.write('x'), 20);
    expect(await ended(stream)).toBe(8);
    clearInterval(drip);
  });

  it('a request without a body, or whose body is whole, may take its time', async () => {
    await using served = await serve(true, { bodyMs: 20, idleMs: 60_000 });
    const whole = served.session.request({ ':method': 'POST', ':path': '/' });
    whole.end('all of it');
    const none = served.session.request({ ':path': '/' });
    const slow = served.session.request({ ':method': 'POST', ':path': '/' });
    slow.write('x');
    await ended(slow);
    await nextTurn();
    expect([whole.closed, none.closed]).toEqual([false, false]);
  });

  it('a session on which nothing moves ends with what it has open', async () => {
    await using served = await serve(true, { bodyMs: 60_000, idleMs: 100 });
    const stream = served.session.request({ ':method': 'POST', ':path': '/' });
    stream.write('x');
    await ended(stream);
    expect(served.session.destroyed || served.session.closed).toBe(true);
  });

  it('the service cuts off as many as there may be, and keeps nothing', async () => {
    const before = takeHoldings();
    {
      await using fixture = await startFixture({ tls: certificate });
      const session = connectHttp2(fixture.url, { rejectUnauthorized: false });
      session.on('error', () => {});
      const headers = { ':method': 'POST', ':path': '/whep?prompt=x', 'content-type': 'application/sdp' };
      const streams = Array.from({ length: HTTP2_STREAMS_MAX }, () => session.request(headers));
      const drip = setInterval(() => streams.forEach((stream) => stream.closed || stream.write('x')), 500);
      await Promise.all(streams.map(ended));
      clearInterval(drip);
      expect(fixture.registry.created).toEqual([]);
      const alive = session.request({ ':path': '/healthz' });
      expect(JSON.parse(await text(alive))).toEqual({ ok: true });
      session.destroy();
    }
    await expectNoLeaks(before);
  });
});
