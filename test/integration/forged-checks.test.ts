/** What who knows a session's password gets out of it: a check proves the password and not the address. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.ts';
import type { Peer, PeerHost } from '../../src/transport/peer/contract.ts';
import { WebRtcPeer } from '../../src/transport/peer/peer.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { isStun, STUN_TYPE, writeBindingRequest, writeBindingSuccess } from '../../src/transport/peer/ice/stun.ts';
import { parseRtcp } from '../../src/transport/rtcp/rtcp.ts';
import { receiverReport } from '../../bench/support/wire/rtcp-builder.ts';
import { createWeriftClient, until, type WeriftClient } from '../support/werift-client.ts';

const CONSENT_MS = 400;
let offsetUs = 1;
const clock: Clock = { ...systemClock, nowUs: () => offsetUs };
let host: PeerHost;
beforeAll(async () => {
  host = await createPeerHost({ host: '127.0.0.1', port: 0, clock, consentTimeoutMs: CONSENT_MS });
});
afterAll(() => host.close());
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function connected(): Promise<{ client: WeriftClient; peer: Peer }> {
  const client = createWeriftClient();
  const peer = host.createPeer({ codecs: ['VP8'] });
  open.push(
    () => peer.close('done'),
    () => client.close(),
  );
  await client.connect(peer);
  await until(() => client.channel.readyState === 'open');
  return { client, peer };
}

/** A check as this client would send it, from wherever it is sent. */
function checkOf(client: WeriftClient, useCandidate: boolean): Buffer {
  const { remoteUsername, remotePassword, localUsername } = client.pc.iceTransports[0]!.connection;
  const username = `${remoteUsername}:${localUsername}`;
  return writeBindingRequest({ transactionId: randomBytes(12), username, password: remotePassword, useCandidate });
}

/** Someone at another address; answers checks of the server's where it has the client's password. */
async function elsewhere(
  password?: string,
): Promise<{ socket: Socket; heard: Buffer[]; send: (datagram: Buffer) => void }> {
  const socket = createSocket('udp4');
  const heard: Buffer[] = [];
  const send = (datagram: Buffer): void => socket.send(datagram, host.address.port, '127.0.0.1');
  socket.on('message', (datagram) => {
    heard.push(datagram);
    if (password === undefined || !isStun(datagram) || datagram.readUInt16BE(0) !== STUN_TYPE.bindingRequest) return;
    send(
      writeBindingSuccess(datagram.subarray(8, 20), { address: '127.0.0.1', port: socket.address().port }, password),
    );
  });
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  open.push(() => socket.close());
  return { socket, heard, send };
}

let sequenceNumber = 0;
function sendMedia(peer: Peer, packets: number): void {
  const { ssrc, payloadType } = peer.path!.video;
  for (let count = 0; count < packets; count++) {
    const packet = { ssrc, payloadType, rtpTimestamp: 1, marker: true, payload: randomBytes(1_000) };
    peer.path!.sendRtp({ ...packet, sequenceNumber: sequenceNumber++ & 0xffff });
  }
}

const bytesOf = (datagrams: readonly Buffer[]): number => datagrams.reduce((sum, { length }) => sum + length, 0);

describe('a check from a third party’s address', () => {
  it('brings it three times what came from it at most, and takes nothing from the viewer', async () => {
    const { client, peer } = await connected();
    const victim = await elsewhere();
    const check = checkOf(client, true);
    for (let count = 0; count < 3; count++) victim.send(check);
    await until(() => victim.heard.length >= 3);
    for (let round = 0; round < 20; round++) {
      sendMedia(peer, 10);
      await until(() => client.received.length >= 10 * (round + 1));
    }
    expect(bytesOf(victim.heard)).toBeLessThanOrEqual(3 * 3 * check.length);
  });

  it('moves the media there once it answers', async () => {
    const { client, peer } = await connected();
    const moved = await elsewhere(client.pc.iceTransports[0]!.connection.localPassword);
    moved.send(checkOf(client, true));
    await until(() => moved.heard.length >= 2);
    await until(() => {
      sendMedia(peer, 1);
      return bytesOf(moved.heard) > 10_000;
    });
  });

  it('does not take the address of another viewer', async () => {
    const [thief, victim] = [await connected(), await connected()];
    for (let count = 0; count < 3; count++) await victim.client.sendRaw(checkOf(thief.client, true));
    const heard = new Promise<string>((resolve) => victim.peer.events.once('control', resolve));
    victim.client.channel.send('still mine');
    expect(await heard).toBe('still mine');
    sendMedia(thief.peer, 20);
    await until(() => thief.client.received.length === 20);
    expect(victim.client.received).toEqual([]);
  });
});

describe('consent of a peer that does not repeat its checks', () => {
  const kinds: [string, (client: WeriftClient, peer: Peer) => Promise<unknown>][] = [
    [
      'SRTCP',
      (client, peer) => {
        const heard = new Promise((resolve) => peer.events.once('rtcp', resolve));
        const report = receiverReport({ ssrc: 1, lastSenderReport: 0, delaySinceLastSenderReport: 0 });
        void client.sendRaw(client.pc.dtlsTransports[0]!.srtcp.encrypt(Buffer.from(report)));
        return heard;
      },
    ],
    [
      'DTLS',
      (client, peer) => {
        const heard = new Promise((resolve) => peer.events.once('control', resolve));
        client.channel.send('still here');
        return heard;
      },
    ],
  ];

  it.each(kinds)('is renewed by authenticated %s', async (_name, speak) => {
    const { client, peer } = await connected();
    for (let count = 0; count < 5; count++) {
      offsetUs += 0.75 * CONSENT_MS * 1_000;
      await speak(client, peer);
      if (!(peer instanceof WebRtcPeer)) throw new Error('another kind of peer');
      peer.checkConsent(offsetUs);
      expect(peer.state).toBe('connected');
    }
  });

  it('is for one address: a backup that still checks keeps no media going elsewhere', async () => {
    const { client, peer } = await connected();
    const backup = await elsewhere(client.pc.iceTransports[0]!.connection.localPassword);
    const lost = new Promise((resolve) =>
      peer.events.on('state', (state) => state === 'disconnected' && resolve(state)),
    );
    backup.send(checkOf(client, false));
    await until(() => backup.heard.length >= 2);
    for (let count = 0; count < 4; count++) {
      offsetUs += 0.3 * CONSENT_MS * 1_000;
      backup.send(checkOf(client, false));
      await until(() => backup.heard.length >= 3 + count);
    }
    expect(await lost).toBe('disconnected');
    const before = client.received.length;
    const { ssrc, payloadType } = peer.path!.video;
    const packet = { ssrc, payloadType, rtpTimestamp: 1, marker: true, payload: randomBytes(9), sequenceNumber: 1 };
    expect(peer.path!.sendRtp(packet)).toBeUndefined();
    expect(client.received.length).toBe(before);
  });
});

describe('a viewer whose session ends', () => {
  it('is told by RTCP BYE for each of its streams, and by close_notify', async () => {
    const { client, peer } = await connected();
    const { ssrc, rtx } = peer.path!.video;
    const { srtcp } = client.pc.dtlsTransports[0]!;
    const ended: number[] = [];
    client.pc.iceTransports[0]!.connection.onData.subscribe((datagram) => {
      if (datagram[0]! < 128 || datagram[1]! < 192 || datagram[1]! > 223) return;
      for (const item of parseRtcp(srtcp.decrypt(datagram))) if (item.type === 'bye') ended.push(...item.ssrcs);
    });
    await peer.close('the session was deleted');
    await until(() => client.pc.dtlsTransports[0]!.state === 'closed');
    expect(ended).toEqual([ssrc, rtx!.ssrc]);
  });
});
