/** The attacks of `glimpse bench security`, each against a service of its own; figures with their limits. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { LIMITS } from '../../src/limits.ts';
import { most, OFFER, UNLIMITED, type SecurityFigure } from './figures.ts';
import { malformedMessages, mutatedOffers } from './hostile-input.ts';
import { Target } from './target.ts';
import { post, watch } from './viewer.ts';

const SEED = 1;

/** Resident memory is flat from here to 3,000 cycles, at any speed of the machine. */
const WARM_UP_CYCLES = 1_000;

const WARM_UP_OFFERS = 200;
/** What should have ended by then never will: the figure says so. */
const GIVE_UP_MS = 60_000;

export const p99 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;

/** What is true of every attack: it crashed nothing and left nothing. */
export async function aftermath(
  attack: string,
  target: Target,
  before: { fileDescriptors: number; activeResources: number },
) {
  let after = await target.settled();
  // What is closing may take a moment to go.
  for (let tries = 0; tries < 10 && after.activeResources > before.activeResources; tries++)
    after = await target.settled();
  return [
    most(attack, 'crashes, and rejections that nobody caught', after.unhandled + (target.alive ? 0 : 1), 0, ''),
    most(attack, 'sessions and peers left', after.sessions + after.peers, 0, ''),
    most(attack, 'descriptors left', after.fileDescriptors - before.fileDescriptors, 0, ''),
    most(attack, 'handles and timers left', after.activeResources - before.activeResources, 0, ''),
  ];
}

export async function malformed(count = 10_000): Promise<SecurityFigure[]> {
  const attack = `${count} malformed messages`;
  await using target = await Target.start(UNLIMITED);
  const before = await target.settled();
  const socket = new WebSocket(`${target.url.replace('http', 'ws')}/signal`);
  let heard = Promise.withResolvers<void>();
  socket.on('message', () => heard.resolve());
  // A server that crashed answers nothing more; the aftermath says so.
  socket.on('close', () => heard.resolve());
  await heard.promise;
  const tookMs: number[] = [];
  for (const message of malformedMessages(count, SEED)) {
    if (socket.readyState !== WebSocket.OPEN) break;
    heard = Promise.withResolvers();
    const sentMs = performance.now();
    socket.send(message);
    await heard.promise;
    tookMs.push(performance.now() - sentMs);
  }
  const { loopBlockedMs } = await target.vitals();
  socket.terminate();
  return [
    most(attack, 'refusal p99', p99(tookMs), 5, 'ms'),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    ...(await aftermath(attack, target, before)),
  ];
}

export async function mutated(count = 2_000): Promise<SecurityFigure[]> {
  const attack = `${count} mutated offers`;
  await using target = await Target.start(UNLIMITED);
  const tookMs: Record<'accepted' | 'refused', number[]> = { accepted: [], refused: [] };
  const offer = async (sdp: string): Promise<void> => {
    const sentMs = performance.now();
    const response = await post(target, sdp);
    await response.text();
    const ms = performance.now() - sentMs;
    tookMs[response.status === 201 ? 'accepted' : 'refused'].push(ms);
    if (response.status === 201)
      await fetch(new URL(response.headers.get('Location') ?? '', `${target.url}/whep`), { method: 'DELETE' });
  };
  // In the first requests both sides compile their code; it is a service that runs that is attacked. One whose garbage
  // was just collected by force has given its young generation back: that comes before them, and not again.
  const before = await target.settled();
  for (const sdp of mutatedOffers(OFFER, WARM_UP_OFFERS, SEED + 1)) await offer(sdp);
  await target.vitals();
  tookMs.accepted.length = tookMs.refused.length = 0;
  for (const sdp of mutatedOffers(OFFER, count, SEED)) await offer(sdp);
  const { loopBlockedMs } = await target.vitals();
  return [
    most(attack, 'refusal p99', p99(tookMs.refused), 5, 'ms'),
    most(attack, `p99 of the ${tookMs.accepted.length} that can be answered`, p99(tookMs.accepted), 50, 'ms'),
    most(attack, 'event loop blocked at most', loopBlockedMs, 50, 'ms'),
    ...(await aftermath(attack, target, before)),
  ];
}

export async function foreignCandidates(): Promise<SecurityFigure[]> {
  await using target = await Target.start();
  const sink = createSocket('udp4');
  let packets = 0;
  sink.on('message', () => packets++);
  await new Promise<void>((resolve) => void sink.bind(0, '127.0.0.1', resolve));
  const lines = Array.from(
    { length: 500 },
    (_, i) => `a=candidate:${i} 1 udp 1 127.0.0.1 ${sink.address().port} typ host`,
  );
  for (const count of [400, LIMITS.candidatesMax - 4])
    await (await post(target, `${OFFER.trimEnd()}\r\n${lines.slice(0, count).join('\r\n')}\r\n`)).text();
  await sleep(3_000);
  sink.close();
  return [most('an offer with 400 candidates', 'packets at the address they name', packets, 0, '')];
}

export async function dtlsFlood(): Promise<SecurityFigure[]> {
  const attack = 'off-path DTLS, 4,000 datagrams a second';
  await using target = await Target.start(UNLIMITED);
  const stranger = createSocket('udp4');
  const hello = Buffer.alloc(200, 1);
  Buffer.from('16fefd00000000000000bb', 'hex').copy(hello);
  const flood = setInterval(() => {
    for (let count = 0; count < 40; count++) stranger.send(hello, target.mediaPort, '127.0.0.1');
  }, 10);
  const tookMs: number[] = [];
  let failed = 0;
  for (let session = 0; session < 20; session++) {
    const startedMs = performance.now();
    const end = await Promise.race([watch(target), sleep(10_000)]);
    if (!end) failed += 1;
    else {
      tookMs.push(performance.now() - startedMs);
      await end();
    }
  }
  clearInterval(flood);
  stranger.close();
  return [
    most(attack, 'of 20 sessions not connected', failed, 0, ''),
    most(attack, 'slowest to connect', Math.max(...tookMs), 1_000, 'ms'),
  ];
}

export async function creations(): Promise<SecurityFigure[]> {
  const attack = '1,000 creations in 10 s from one address';
  const quota = 20;
  const flags = { creationsPerMinute: quota, maxSessions: 100, trustedProxies: '127.0.0.1' };
  await using target = await Target.start(flags);
  const end = await watch(target, { 'X-Forwarded-For': '192.0.2.1' });
  await sleep(2_000);
  const before = await target.vitals();
  const refusedMs: number[] = [];
  let [admitted, unhelpful] = [0, 0];
  const one = async (): Promise<void> => {
    const sentMs = performance.now();
    const response = await post(target, OFFER, { 'X-Forwarded-For': '192.0.2.2' });
    await response.text();
    if (response.status === 201) admitted += 1;
    else {
      refusedMs.push(performance.now() - sentMs);
      if (response.status !== 429 || !response.headers.has('Retry-After')) unhelpful += 1;
    }
  };
  const pending: Promise<void>[] = [];
  for (let sent = 0; sent < 1_000; sent++) {
    pending.push(one());
    await sleep(10);
  }
  await Promise.all(pending);
  const after = await target.vitals();
  await end();
  const late = after.lateFrames - before.lateFrames;
  return [
    most(attack, `admitted beyond the quota of ${quota}`, Math.abs(admitted - quota), 0, ''),
    most(attack, 'refused otherwise than by 429 with Retry-After', unhelpful, 0, ''),
    most(attack, 'refusal p99', p99(refusedMs), 50, 'ms'),
    most(attack, 'slowest refusal', Math.max(...refusedMs), 50, 'ms'),
    most(
      attack,
      'frames of a running stream lost',
      (late / (late + after.framesSent - before.framesSent)) * 100,
      1,
      '%',
    ),
  ];
}

export async function slowSenders(): Promise<SecurityFigure[]> {
  await using target = await Target.start();
  const startedMs = performance.now();
  const closed = Array.from({ length: 200 }, (_, index) => {
    const socket = connect(Number(new URL(target.url).port), '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write('POST /whep?prompt=x HTTP/1.1\r\nHost: x\r\n');
    if (index % 2 === 0) socket.write('Content-Type: application/sdp\r\nContent-Length: 60000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 500);
    return new Promise((resolve) => socket.on('close', resolve)).finally(() => clearInterval(drip));
  });
  await Promise.race([Promise.all(closed), sleep(GIVE_UP_MS)]);
  return [most('200 slow senders', 'the last one cut off after', (performance.now() - startedMs) / 1_000, 10, 's')];
}

export async function churn(cycles = 1_000): Promise<SecurityFigure[]> {
  const attack = `${cycles} sessions opened, connected and closed`;
  await using target = await Target.start(UNLIMITED);
  // The young generation and native memory have their working size by then: what still grows is a leak.
  for (let cycle = 0; cycle < WARM_UP_CYCLES; cycle++) await (await watch(target))();
  const before = await target.settled();
  for (let cycle = 0; cycle < cycles; cycle++) await (await watch(target))();
  const left = await aftermath(attack, target, before);
  const after = await target.settled();
  return [most(attack, 'more memory', after.rssMiB - before.rssMiB, 10, 'MiB'), ...left];
}

export async function zombies(): Promise<SecurityFigure[]> {
  await using target = await Target.start(UNLIMITED);
  const startedMs = performance.now();
  const statuses = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const response = await post(target, OFFER);
      await response.text();
      return response.status;
    }),
  );
  await target.untilEmpty();
  return [
    most('100 zombies', 'not admitted', statuses.filter((status) => status !== 201).length, 0, ''),
    most('100 zombies', 'the last one gone after', (performance.now() - startedMs) / 1_000, 12, 's'),
  ];
}
