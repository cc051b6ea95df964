/** What viewers reach through the TURN server as deploy/ ships it: the service's media address, and nothing else. */
import { createSocket, type Socket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTurnServer, turnServerPath, type TurnServer } from '../support/turn-server.ts';
import { TurnClient } from '../support/turn-client.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const CONFIG = join(DEPLOY, 'turnserver.conf');
/** This machine as others reach it. */
const interfaces = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
const OWN = interfaces.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
/** Containers often have no IPv6 at all: then there is no relay of it either. */
const hasIpv6 = interfaces.some(({ address }) => address === '::1');

/** coturn allows nothing of loopback by itself; a machine without any network tests the rules all the same. */
const loopbackPeers = OWN === undefined ? ['--allow-loopback-peers'] : [];
const media = OWN ?? '127.0.0.1';

describe.skipIf(turnServerPath === undefined)('the TURN server of deploy/', () => {
  let turn: TurnServer;
  let echo: Socket;
  beforeAll(async () => {
    turn = await startTurnServer({
      peers: ['-c', CONFIG, `--allowed-peer-ip=${media}`, ...loopbackPeers],
      relays: hasIpv6 ? [media, '::1'] : [media],
    });
    echo = createSocket('udp4').on('message', (data, from) => echo.send(data, from.port, from.address));
    await new Promise<void>((resolve) => void echo.bind(0, media, resolve));
  });
  afterAll(async () => {
    echo.close();
    await turn[Symbol.asyncDispose]();
  });

  it('relays to the media port', async () => {
    await using client = TurnClient.overUdp(turn.port, '127.0.0.1', turn.secret);
    expect(await client.allocate('udp')).toBe(0);
    expect(await client.permit(media)).toBe(0);
    const data = Buffer.from('as the browser would');
    expect(await client.exchange(media, echo.address().port, data)).toEqual(data);
  });

  it.each([
    ['this host', '127.0.0.2'],
    ['this host, unspecified', '0.0.0.0'],
    ['a private network', '10.0.0.1'],
    ['another private network', '172.16.0.1'],
    ['a home network', '192.168.1.1'],
    ['cloud metadata', '169.254.169.254'],
    ['carrier NAT', '100.64.0.1'],
    ['the internet', '203.0.113.9'],
  ])('refuses %s', async (_, address) => {
    await using client = TurnClient.overUdp(turn.port, '127.0.0.1', turn.secret);
    expect(await client.allocate('udp')).toBe(0);
    expect(await client.permit(address)).toBe(403);
  });

  it
    .skipIf(!hasIpv6)
    .each(['::1', '::', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::1', '2001:db8::1'])(
    'refuses %s',
    async (address) => {
      await using client = TurnClient.overUdp(turn.port, '127.0.0.1', turn.secret);
      expect(await client.allocate('udp', 6)).toBe(0);
      expect(await client.permit(address)).toBe(403);
    },
  );

  it('opens no TCP connections', async () => {
    await using client = TurnClient.overTcp(turn.port, '127.0.0.1', turn.secret);
    expect(await client.allocate('tcp')).not.toBe(0);
  });

  it('is what compose.yaml starts, with the media address allowed', async () => {
    const compose = await readFile(join(DEPLOY, 'compose.yaml'), 'utf8');
    const coturn = compose.slice(compose.indexOf('  coturn:'), compose.indexOf('  prometheus:'));
    expect(coturn).toContain('./turnserver.conf:/etc/coturn/turnserver.conf:ro');
    for (const option of ['-c', '/etc/coturn/turnserver.conf', '--allowed-peer-ip=${PUBLIC_ADDRESS}'])
      expect(coturn).toContain(`- ${option}\n`);
    expect(await readFile(join(DEPLOY, '../docs/network.md'), 'utf8')).toContain('-c deploy/turnserver.conf');
  });
});

describe.skipIf(turnServerPath === undefined)('the ranges that a shared TURN server denies', () => {
  it.each(['127.0.0.2', '10.0.0.1', '192.168.1.1', '169.254.169.254', '172.31.255.255'])('hold %s', async (address) => {
    // Without the two lines that deny everything.
    const lines = (await readFile(CONFIG, 'utf8')).split('\n');
    const denied = lines.filter((line) => line.startsWith('denied-peer-ip=') && !/=0\.0\.0\.0-255|=::-ffff/.test(line));
    await using turn = await startTurnServer({
      peers: ['--allow-loopback-peers', ...denied.map((line) => `--${line}`)],
      relays: ['127.0.0.1'],
    });
    await using client = TurnClient.overUdp(turn.port, '127.0.0.1', turn.secret);
    expect(await client.allocate('udp')).toBe(0);
    expect([await client.permit('203.0.113.9'), await client.permit(address)]).toEqual([0, 403]);
  });
});
