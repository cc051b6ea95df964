/** The relay between a browser and a server, with plain sockets at both ends: what goes in comes out or is counted. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fate, PathPlan } from '../../bench/link/path.ts';
import { DelayLine } from '../../bench/link/delay-line.ts';
import { Relay, type RelayOptions } from '../../bench/link/relay.ts';
import { run } from '../../bench/suites/link.ts';
import { expectNoLeaks, takeHoldings, type Holdings } from '../support/no-leaks.ts';
import { clockAt } from '../support/clock-at.ts';

const wide: PathPlan = { capacity: [{ fromUs: 0, bps: 1e9 }], delayUs: 2_000, queueUs: 1_000_000 };
/** First byte and payload type of RTP; the rest is a number. */
const rtp = (number: number, sizeBytes = 200): Buffer => {
  const datagram = Buffer.alloc(sizeBytes);
  datagram.set([0x80, 96]);
  datagram.writeUInt16BE(number, 2);
  return datagram;
};
const numberOf = (datagram: Buffer): number => datagram.readUInt16BE(2);

async function open(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe('Relay', () => {
  let before: Holdings;
  let stack: AsyncDisposableStack;
  let server: Socket;
  let browser: Socket;
  const atServer: { datagram: Buffer; port: number }[] = [];
  const atBrowser: Buffer[] = [];

  beforeEach(async () => {
    before = takeHoldings();
    stack = new AsyncDisposableStack();
    [server, browser] = [await open(), await open()];
    for (const socket of [server, browser]) stack.defer(() => void socket.close());
    atServer.length = 0;
    atBrowser.length = 0;
    server.on('message', (datagram, { port }) => atServer.push({ datagram, port }));
    browser.on('message', (datagram) => atBrowser.push(datagram));
  });
  afterEach(async () => {
    await stack.disposeAsync();
    await expectNoLeaks(before);
  });

  const start = async (options: Partial<RelayOptions> = {}): Promise<Relay> =>
    stack.use(await Relay.open({ forward: wide, backward: wide, server: server.address(), ...options }));
  /** The browser's first word, after which the server knows where to send. */
  const greet = async (relay: Relay): Promise<number> => {
    browser.send(rtp(0), relay.address.port);
    await until(() => atServer.length > 0);
    return atServer[0]!.port;
  };

  it('hands every datagram on, unchanged and in order, both ways', async () => {
    const relay = await start({
      forward: { ...wide, jitterUs: 10_000, seed: 3 },
      backward: { ...wide, jitterUs: 10_000 },
    });
    const port = await greet(relay);
    const numbers = Array.from({ length: 300 }, (_, index) => index + 1);
    for (const number of numbers) {
      browser.send(rtp(number), relay.address.port);
      server.send(rtp(number), port);
      if (number % 50 === 0) await sleep(1);
    }
    await until(() => atServer.length === 301 && atBrowser.length === 300);
    expect(atServer.map(({ datagram }) => numberOf(datagram))).toEqual([0, ...numbers]);
    expect(atBrowser.map(numberOf)).toEqual(numbers);
    expect(atBrowser.at(-1)).toEqual(rtp(300));
    const { forward, backward } = relay.counts;
    expect(forward).toMatchObject({ received: 300, delivered: 300, deliveredRtp: 300, deliveredBytes: 60_000 });
    expect(backward).toMatchObject({ received: 301, delivered: 301, lost: 0, dropped: 0, overflowed: 0 });
    expect(relay.onTheWay).toBe(0);
  });

  it('holds no more than its queue, and drops the rest', async () => {
    const fates: Fate[] = [];
    const relay = await start({
      // An outage beyond the test's end: nothing drains, so what fits is a matter of sizes alone.
      forward: {
        ...wide,
        capacity: [{ fromUs: 0, bps: 1_000_000 }],
        outages: [{ fromUs: 0, toUs: 600e6 }],
        queueUs: 100_000,
      },
      onForward: (_sizeBytes, _atUs, fate) => fates.push(fate),
    });
    const port = await greet(relay);
    for (let number = 1; number <= 100; number++) server.send(rtp(number, 1_000), port);
    await until(() => relay.counts.forward.received === 100);
    // 100 ms at 1 Mbps: twelve packets of 8 ms may be ahead of one.
    expect(relay.counts.forward).toMatchObject({ dropped: 87, delivered: 0 });
    expect(relay.onTheWay).toBe(13);
    expect(fates.slice(0, 14).map(({ outcome }) => outcome)).toEqual([
      ...Array<string>(13).fill('delivered'),
      'dropped',
    ]);
    expect(atBrowser).toHaveLength(0);
  });

  it('loses by chance what the path says, and the same for the same seed', async () => {
    const fates: string[] = [];
    const plan: PathPlan = { ...wide, lossRatio: 0.3, seed: 9 };
    const relay = await start({ forward: plan, onForward: (_sizeBytes, _atUs, { outcome }) => fates.push(outcome) });
    const port = await greet(relay);
    for (let number = 1; number <= 100; number++) server.send(rtp(number), port);
    await until(() => fates.length === 100);
    const { lost } = relay.counts.forward;
    await until(() => atBrowser.length === 100 - lost);
    expect(lost).toBeGreaterThan(10);
    expect(atBrowser.map(numberOf)).toEqual(fates.flatMap((outcome, index) => (outcome === 'lost' ? [] : index + 1)));
  });

  it('starts the scenario with the first RTP packet of the server, not with handshakes', async () => {
    const times: number[] = [];
    const relay = await start({ onForward: (_sizeBytes, atUs) => times.push(atUs) });
    const port = await greet(relay);
    const [dtls, rtcp] = [Buffer.from([22, 254, 253]), Buffer.from([0x80, 200, 0, 6])];
    for (const datagram of [dtls, rtcp, rtp(1), rtcp]) server.send(datagram, port);
    await relay.begun;
    await until(() => atBrowser.length === 4);
    expect(times.map((atUs) => atUs >= 0)).toEqual([false, false, true, true]);
    expect(times[2]).toBeLessThan(times[3]!);
    expect(relay.counts.forward).toMatchObject({ delivered: 4, deliveredRtp: 1 });
  });

  it('gives each address of the browser its own towards the server, sixteen at most', async () => {
    const relay = await start();
    const sockets = await Promise.all(Array.from({ length: 18 }, open));
    for (const socket of sockets) stack.defer(() => void socket.close());
    for (const [number, socket] of sockets.entries()) socket.send(rtp(number), relay.address.port);
    await until(() => relay.counts.backward.received === 18 && atServer.length === 16);
    expect(new Set(atServer.map(({ port }) => port)).size).toBe(16);
    expect(relay.clients).toBe(16);
    expect(relay.counts.backward.overflowed).toBe(2);
  });

  it('closes twice, with datagrams on the way', async () => {
    const relay = await start({ backward: { ...wide, delayUs: 60e6 } });
    browser.send(rtp(1), relay.address.port);
    await until(() => relay.onTheWay === 1);
    await Promise.all([relay.close(), relay.close()]);
    expect(relay.onTheWay).toBe(0);
    expect(atServer).toHaveLength(0);
  });
});

describe('DelayLine', () => {
  it('refuses beyond its capacity and keeps order when times do not', async () => {
    const line = new DelayLine({ clock: clockAt(() => 0), capacity: 3 });
    expect([30, 10, 20, 40].map((dueUs) => line.push(dueUs * 1e6, () => {}))).toEqual([true, true, true, false]);
    expect(line.length).toBe(3);
    line.close();
    expect(line.push(0, () => {})).toBe(false);

    const order: number[] = [];
    const past = new DelayLine({ clock: clockAt(() => 100), capacity: 3 });
    for (const dueUs of [30, 10, 20]) past.push(dueUs, () => order.push(dueUs));
    await until(() => order.length === 3);
    expect(order).toEqual([30, 10, 20]);
  });
});

describe('glimpse bench link', () => {
  it.each(['rfc8867-5.2', 'rfc8867-5.8', 'clock-jump'])('refuses %s, which one viewer cannot be', async (name) => {
    const scenario = resolve(import.meta.dirname, `../../bench/link/scenarios/${name}.json`);
    await expect(run({ scenario })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
