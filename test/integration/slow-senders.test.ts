/** Connections that send a byte now and then, and sessions that nobody connects to, go by themselves. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it, vi } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { offerSdp, postWhep, startPattern } from '../support/pattern-service.ts';

// Node's own timers run these, so they take real time. Both are about a slow sender: a whole request takes no part of them.
vi.mock(import('../../src/limits.ts'), async (original) => {
  const { LIMITS: usual } = await original();
  const shorter = { headersTimeoutMs: 1_500, requestTimeoutMs: 2_500, requestSweepMs: 300 };
  return { LIMITS: { ...usual, ...shorter } as unknown as typeof usual };
});

const HEADERS = 'POST /whep?prompt=x HTTP/1.1\r\nHost: x\r\n';
const BODY = `${HEADERS}Content-Type: application/sdp\r\nContent-Length: 60000\r\n\r\nv=0`;

/** Begins a request and goes on with it a byte at a time. */
function slowloris(port: number, beginning: string): { closed: Promise<unknown>; socket: Socket } {
  const socket = connect(port, '127.0.0.1', () => socket.write(beginning));
  const drip = setInterval(() => socket.write('x'), 500);
  socket.on('error', () => {}).resume();
  const closed = new Promise((resolve) => socket.on('close', resolve)).finally(() => clearInterval(drip));
  return { closed, socket };
}

it('200 slow senders of headers and bodies are cut off, while others are served', async () => {
  await using service = await startPattern();
  const before = takeHoldings();
  const port = Number(new URL(service.url).port);
  const slow = Array.from({ length: 200 }, (_, index) => slowloris(port, index % 2 === 0 ? HEADERS : BODY));
  const first = await postWhep(service, offerSdp());
  expect(first.status).toBe(201);
  await fetch(new URL(first.headers.get('Location') ?? '', `${service.url}/whep`), { method: 'DELETE' });
  await Promise.all(slow.map(({ closed }) => closed));
  expect(service.sessions.size).toBe(0);
  await expectNoLeaks(before, { settleMs: 10_000 });
});

it('a connection that sends nothing is closed without a word, one that begins a request is told 408', async () => {
  await using service = await startPattern();
  const port = Number(new URL(service.url).port);
  const heard = (beginning: string) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(beginning));
    return text(socket);
  };
  expect(await Promise.all([heard(''), heard(HEADERS)])).toEqual(['', expect.stringMatching(/^HTTP\/1.1 408 /)]);
});

afterEach(() => void vi.useRealTimers());

it('100 sessions whose offer never becomes a connection are gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await using service = await startPattern({ maxSessions: 100, creationsPerMinute: 1_000, queueMax: 100 });
  const replies = await Promise.all(Array.from({ length: 100 }, () => postWhep(service, offerSdp())));
  expect(replies.every(({ status }) => status === 201)).toBe(true);
  expect([service.sessions.size, service.peers.peerCount]).toEqual([100, 100]);
  await vi.advanceTimersByTimeAsync(LIMITS.connectTimeoutMs);
  await expect.poll(() => service.sessions.size).toBe(0);
  expect(service.peers.peerCount).toBe(0);
});
