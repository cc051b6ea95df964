/** Attacks on the service around the media: connections, bodies, tokens, prompts, clips, foreign pages. Figures with limits. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT, generateKeyPair } from 'jose';
import { WebSocket } from 'ws';
import { HTTP2_STREAMS_MAX } from '../../signaling/listen/http2-limits.ts';
import { LIMITS } from '../../src/limits.ts';
import { temporaryCertificate } from '../support/wire/certificate.ts';
import { aftermath, p99 } from './attacks.ts';
import { most, UNLIMITED, type SecurityFigure } from './figures.ts';
import { Target } from './target.ts';

const HOARDED = 2_048;
const GIVE_UP_MS = 60_000;
/** Settled, after the attack: what is more than this stays. */
const MEMORY_MORE_MIB = 32;
/** First a part of the attack: a service that runs is attacked, not one that compiles its code. */
const WARM_UP_SHARE = 10;

/** One that asks once and stays. */
async function hoard(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}).resume();
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.race([
    new Promise((resolve) => socket.once('data', resolve)),
    new Promise((resolve) => socket.once('close', resolve)),
  ]);
  return socket;
}

/** Of a newcomer with an address of their own, ms; the limit when there is none. */
async function newcomerMs(port: number): Promise<number> {
  const startedMs = performance.now();
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  socket.on('error', () => {});
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const answered = new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  const inTime = await Promise.race([answered, sleep(5_000, false)]);
  socket.destroy();
  return inTime ? performance.now() - startedMs : GIVE_UP_MS;
}

export async function hoardedConnections(): Promise<SecurityFigure[]> {
  const attack = `${HOARDED} keep-alive connections of one address`;
  await using target = await Target.start();
  const port = Number(new URL(target.url).port);
  for (let count = 0; count < HOARDED / WARM_UP_SHARE; count++) (await hoard(port)).destroy();
  const before = await target.settled();
  const sockets: Socket[] = [];
  while (sockets.length < HOARDED) sockets.push(...(await Promise.all(Array.from({ length: 64 }, () => hoard(port)))));
  const held = sockets.filter((socket) => socket.readyState === 'open').length;
  const waitedMs: number[] = [];
  for (let count = 0; count < 20; count++) waitedMs.push(await newcomerMs(port));
  const { loopBlockedMs } = await target.vitals();
  for (const socket of sockets) socket.destroy();
  return [
    most(attack, 'of them held', held, LIMITS.connectionsPerAddressMax, ''),
    most(attack, 'slowest answer to newcomers', Math.max(...waitedMs), 1_000, 'ms'),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    ...(await aftermath(attack, target, before)),
  ];
}

const DRIPPING = { ':method': 'POST', ':path': '/whep?prompt=x', 'content-type': 'application/sdp' };

/** So many sessions with as many bodies as each may have, which come a byte at a time. @returns seconds until the last is cut off */
async function drip(url: string, count: number): Promise<number> {
  const sessions = Array.from({ length: count }, () => connectHttp2(url, { rejectUnauthorized: false }));
  for (const session of sessions) session.on('error', () => {});
  const startedMs = performance.now();
  const streams = sessions.flatMap((session) =>
    Array.from({ length: HTTP2_STREAMS_MAX }, () => session.request(DRIPPING)),
  );
  const ended = streams.map(
    (stream) => new Promise<void>((resolve) => void stream.on('error', () => {}).on('close', () => resolve())),
  );
  for (const stream of streams) stream.write('v=0');
  const more = setInterval(() => streams.forEach((stream) => stream.closed || stream.write('x')), 5_000);
  await Promise.race([Promise.all(ended), sleep(GIVE_UP_MS)]);
  clearInterval(more);
  for (const session of sessions) session.destroy();
  return (performance.now() - startedMs) / 1_000;
}

export async function http2Drip(): Promise<SecurityFigure[]> {
  const attack = '640 HTTP/2 bodies, a byte each 5 s';
  await using certificate = await temporaryCertificate();
  await using target = await Target.start({ ...UNLIMITED, tlsCert: certificate.cert, tlsKey: certificate.key });
  await drip(target.url, 20);
  const before = await target.settled();
  const seconds = await drip(target.url, 20);
  const { loopBlockedMs } = await target.vitals();
  const left = await aftermath(attack, target, before);
  const { rssMiB } = await target.vitals();
  return [
    most(attack, 'the last one cut off after', seconds, 12, 's'),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    most(attack, 'more memory', rssMiB - before.rssMiB, MEMORY_MORE_MIB, 'MiB'),
    ...left,
  ];
}

export async function forgedTokens(count = 2_000): Promise<SecurityFigure[]> {
  const attack = `${count} forged tokens while the server of keys is down`;
  let asked = 0;
  const keys = createServer((_request, response) => {
    asked += 1;
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => void keys.listen(0, '127.0.0.1', resolve));
  const authJwks = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys`;
  await using target = await Target.start({ ...UNLIMITED, authJwks });
  const { privateKey } = await generateKeyPair('ES256');
  const tookMs: number[] = [];
  const send = async (sent: number): Promise<void> => {
    const token = new SignJWT({ sub: String(sent), aud: 'glimpse' }).setProtectedHeader({
      alg: 'ES256',
      kid: String(sent),
    });
    const authorization = `Bearer ${await token.setExpirationTime('1m').sign(privateKey)}`;
    const sentMs = performance.now();
    await (await fetch(`${target.url}/whep`, { method: 'POST', headers: { authorization } })).text();
    tookMs.push(performance.now() - sentMs);
  };
  for (let sent = 0; sent < count / WARM_UP_SHARE; sent++) await send(sent);
  const before = await target.settled();
  [asked, tookMs.length] = [0, 0];
  const startedMs = performance.now();
  for (let sent = 0; sent < count; sent++) await send(sent);
  const rests = Math.ceil((performance.now() - startedMs) / LIMITS.jwksRestMs);
  const { loopBlockedMs } = await target.vitals();
  keys.close();
  return [
    most(attack, 'requests to it beyond one each 5 s', Math.max(0, asked - rests), 0, ''),
    most(attack, 'refusal p99', p99(tookMs), 10, 'ms'),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    ...(await aftermath(attack, target, before)),
  ];
}

/** What folding, stripping and composing cost most for: each is refused or taken, and none holds the loop. */
const COSTLY_PROMPTS = ['\ufdfa', '\u200d', '\u0344', '\u1100\u1161', '\u00ad', "'", '👩\u200d', 'a\u0300\u0301', '| '];

export async function unicodePrompts(count = 1_000): Promise<SecurityFigure[]> {
  const attack = `${count} prompts of costly Unicode`;
  await using target = await Target.start({ ...UNLIMITED, promptsPerSecond: 1_000 });
  const tookMs: number[] = [];
  const body = (sent: number): string => {
    const unit = COSTLY_PROMPTS[sent % COSTLY_PROMPTS.length] ?? '';
    return JSON.stringify({ prompt: unit.repeat(Math.floor(4_000 / unit.length)), seconds: 1 });
  };
  const send = async (sent: number): Promise<void> => {
    const sentMs = performance.now();
    const headers = { 'Content-Type': 'application/json' };
    await (await fetch(`${target.url}/v1/clips`, { method: 'POST', headers, body: body(sent) })).text();
    tookMs.push(performance.now() - sentMs);
  };
  for (let sent = 0; sent < count / WARM_UP_SHARE; sent++) await send(sent);
  const before = await target.settled();
  tookMs.length = 0;
  for (let sent = 0; sent < count; sent++) await send(sent);
  const { loopBlockedMs } = await target.vitals();
  return [
    most(attack, 'answer p99', p99(tookMs), 50, 'ms'),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    ...(await aftermath(attack, target, before)),
  ];
}

export async function clipsNowhere(count = 200): Promise<SecurityFigure[]> {
  const attack = `${count} clips where no folder can be made`;
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-bench-'));
  const blocked = join(folder, 'file');
  await writeFile(blocked, 'a file where the folder should be');
  await using target = await Target.start({ ...UNLIMITED, clipsDir: blocked });
  const before = await target.settled();
  let unanswered = 0;
  for (let sent = 0; sent < count && target.alive; sent++) {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"prompt":"sea","seconds":1}',
    };
    const response = await fetch(`${target.url}/v1/clips`, init).catch(() => undefined);
    await response?.text();
    if (response === undefined || response.status >= 500) unanswered += 1;
  }
  const figures = [most(attack, 'not answered', unanswered + (target.alive ? 0 : count), 0, '')];
  if (target.alive) figures.push(...(await aftermath(attack, target, before)));
  await rm(folder, { recursive: true });
  return figures;
}

export async function foreignPages(count = 2_000): Promise<SecurityFigure[]> {
  const attack = `${count} requests of a foreign page`;
  await using target = await Target.start({ maxSessions: 20, queueMax: 20 });
  const origin = 'https://evil.example';
  const send = async (sent: number): Promise<void> => {
    if (sent % 20 === 0) {
      const socket = new WebSocket(`${target.url.replace('http', 'ws')}/signal`, { origin });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('close', resolve));
      return;
    }
    const isPicture = sent % 2 === 0;
    const headers = isPicture ? { 'Sec-Fetch-Site': 'cross-site' } : { Origin: origin };
    await (await fetch(`${target.url}/v1/sessions/x`, { headers })).text();
  };
  for (let sent = 0; sent < count / WARM_UP_SHARE; sent++) await send(sent);
  const before = await target.settled();
  for (let sent = 0; sent < count; sent++) await send(sent);
  const { loopBlockedMs } = await target.vitals();
  const own = await fetch(`${target.url}/v1/sessions/x`);
  await own.text();
  return [
    most(attack, 'its visitor locked out', own.status === 404 ? 0 : 1, 0, ''),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    ...(await aftermath(attack, target, before)),
  ];
}
