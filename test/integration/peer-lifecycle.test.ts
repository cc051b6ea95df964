/** Beginnings and ends: consent, restart, goodbye, refused offers, and what is left after all of it. */
import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.ts';
import type { PeerHost, PeerState } from '../../src/transport/peer/contract.ts';
import { createDtlsCertificate } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { LoopbackClient } from '../../bench/support/wire/loopback-client.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { writeBindingRequest } from '../../src/transport/peer/ice/stun.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { createWeriftClient, until } from '../support/werift-client.ts';

let host: PeerHost;
beforeAll(async () => {
  host = await createPeerHost({ host: '127.0.0.1', port: 0 });
});
afterAll(() => host.close());

describe('consent', () => {
  it('runs out without authenticated checks, stops all sending, and comes back with the next check', async () => {
    let offsetUs = 0;
    const clock: Clock = { ...systemClock, nowUs: () => offsetUs };
    const timed = await createPeerHost({ host: '127.0.0.1', port: 0, clock, consentTimeoutMs: 400 });
    // Unlike a browser the loopback client checks once and never again.
    const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
    const peer = timed.createPeer({ codecs: ['VP8'] });
    const states: PeerState[] = [];
    peer.events.on('state', (state) => states.push(state));
    const answer = await peer.answer(client.offer);
    const to = { address: '127.0.0.1', port: timed.address.port };
    await client.connect(answer, to);
    await until(() => peer.state === 'connected');
    const packet = { ssrc: peer.path!.video.ssrc, payloadType: 96, rtpTimestamp: 0, marker: false };
    expect(peer.path!.sendRtp({ ...packet, sequenceNumber: 1, payload: randomBytes(9) })?.transportSequence).toBe(0);

    offsetUs += 400_000;
    await until(() => peer.state === 'disconnected');
    expect(peer.path!.sendRtp({ ...packet, sequenceNumber: 2, payload: randomBytes(9) })).toBeUndefined();

    client.check(answer);
    await until(() => peer.state === 'connected');
    // Nothing was consumed meanwhile: the counter goes on without a gap.
    expect(peer.path!.sendRtp({ ...packet, sequenceNumber: 2, payload: randomBytes(9) })?.transportSequence).toBe(1);
    expect(states).toEqual(['connecting', 'connected', 'disconnected', 'connected']);
    await peer.close('done');
    client.close();
    await timed.close();
  });
});

describe('an ICE restart', () => {
  it('keeps sending on the old pair until the new one is nominated', async () => {
    const client = createWeriftClient();
    const peer = host.createPeer({ codecs: ['VP8'] });
    await client.connect(peer);
    const { ssrc, payloadType } = peer.path!.video;
    let sequenceNumber = 0;
    const send = (): void => {
      const packet = { ssrc, payloadType, rtpTimestamp: 1, marker: false, payload: Buffer.from([1]) };
      expect(peer.path!.sendRtp({ ...packet, sequenceNumber: sequenceNumber++ })).toBeDefined();
    };
    send();
    const before = client.pc.localDescription!.sdp;
    const restarted = before
      .replaceAll(/a=ice-ufrag:.*/g, 'a=ice-ufrag:again')
      .replaceAll(/a=ice-pwd:.*/g, 'a=ice-pwd:againagainagainagainagain');
    const answer = await peer.answer(restarted);
    const line = (name: string): string => new RegExp(`a=${name}:(.*)`).exec(answer)![1]!.trim();
    expect(line('ice-ufrag')).not.toBe(client.pc.iceTransports[0]!.connection.remoteUsername);
    send();
    await until(() => client.received.length === 2);
    expect(host.peerCount).toBe(2);
    // The new pair: the same address, proved and nominated under the new credentials.
    const check = {
      transactionId: randomBytes(12),
      username: `${line('ice-ufrag')}:again`,
      password: line('ice-pwd'),
      useCandidate: true,
    };
    await client.sendRaw(writeBindingRequest(check));
    send();
    await until(() => client.received.length === 3);
    expect(peer.state).toBe('connected');
    // The old credentials are gone once the new pair is in use.
    expect(host.peerCount).toBe(1);
    await peer.close('done');
    await client.close();
  });
});

describe('an offer', () => {
  it.each([
    ['empty', ''],
    ['not SDP', 'hello'],
    ['without media', 'v=0\r\ns=-\r\n'],
    ['that only sends', 'direction'],
    ['without fingerprint', 'fingerprint'],
    ['without ICE password', 'ice-pwd'],
    ['without rtcp-mux', 'rtcp-mux'],
  ])('%s is SDP_INVALID and leaves nothing behind', async (_name, sdpOrAttribute) => {
    const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
    const offers: Record<string, string> = {
      direction: client.offer.replace('a=recvonly', 'a=sendonly'),
      fingerprint: client.offer.replace(/a=fingerprint.*\r\n/, ''),
      'ice-pwd': client.offer.replace(/a=ice-pwd.*\r\n/, ''),
      'rtcp-mux': client.offer.replace('a=rtcp-mux\r\n', ''),
    };
    const peer = host.createPeer({ codecs: ['VP8'] });
    await expect(peer.answer(offers[sdpOrAttribute] ?? sdpOrAttribute)).rejects.toMatchObject({ code: 'SDP_INVALID' });
    expect(peer.state).toBe('new');
    expect(host.peerCount).toBe(0);
    await peer.close('refused');
    client.close();
  });

  it('without a codec of ours is CODEC_UNSUPPORTED', async () => {
    const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
    const peer = host.createPeer({ codecs: ['H264'] });
    await expect(peer.answer(client.offer)).rejects.toMatchObject({ code: 'CODEC_UNSUPPORTED', status: 406 });
    expect(host.peerCount).toBe(0);
    await peer.close('refused');
    client.close();
  });

  it('to a closed peer is PEER_CLOSED', async () => {
    const peer = host.createPeer({ codecs: ['VP8'] });
    await peer.close('done');
    await peer.close('again');
    await expect(peer.answer('')).rejects.toMatchObject({ code: 'PEER_CLOSED' });
  });

  it('that is bad does not disturb the live connection', async () => {
    const client = createWeriftClient();
    const peer = host.createPeer({ codecs: ['VP8'] });
    await client.connect(peer);
    await expect(peer.answer('v=0')).rejects.toMatchObject({ code: 'SDP_INVALID' });
    const other = createDtlsCertificate().fingerprint;
    const swapped = client.pc.localDescription!.sdp.replaceAll(/a=fingerprint:.*/g, `a=fingerprint:${other}`);
    await expect(peer.answer(swapped)).rejects.toMatchObject({ code: 'SDP_INVALID' });
    expect(peer.state).toBe('connected');
    await peer.close('done');
    await client.close();
  });
});

describe('an end', () => {
  it('is told to the client, and by the client', async () => {
    const first = createWeriftClient();
    const told = host.createPeer({ codecs: ['VP8'] });
    await first.connect(told);
    await told.close('server says goodbye');
    await until(() => first.pc.dtlsTransports[0]!.state === 'closed');
    expect(told.state).toBe('closed');
    await first.close();
  });

  it('leaves no descriptor, timer, listener or mux entry after 20 connections', async () => {
    const before = takeHoldings();
    const own = await createPeerHost({ host: '127.0.0.1', port: 0 });
    for (let cycle = 0; cycle < 20; cycle += 1) {
      const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
      const peer = own.createPeer({ codecs: ['VP8'] });
      await client.connect(await peer.answer(client.offer), { address: '127.0.0.1', port: own.address.port });
      await until(() => peer.state === 'connected');
      await peer.close('done');
      client.close();
      expect(own.peerCount).toBe(0);
    }
    await own.close();
    await own.close();
    await expectNoLeaks(before);
  });
});

const candidatesOf = (sdp: string): string[] =>
  [...sdp.matchAll(/a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ host/g)].map(([, ip]) => ip!);

describe('a host', () => {
  it.each([
    [{ host: '127.0.0.1' }, (ips: string[]) => ips.join() === '127.0.0.1'],
    [{ host: '0.0.0.0' }, (ips: string[]) => ips.length > 0 && !ips.includes('0.0.0.0')],
    [{ host: '127.0.0.1', announceHost: '203.0.113.7' }, (ips: string[]) => ips.join() === '203.0.113.7'],
  ])('on %o puts addresses into candidates that a client can reach', async (address, isRight) => {
    const own = await createPeerHost({ ...address, port: 0 });
    const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
    const peer = own.createPeer({ codecs: ['VP8'] });
    expect(candidatesOf(await peer.answer(client.offer))).toSatisfy(isRight);
    client.close();
    await own.close();
    expect(peer.state).toBe('closed');
    expect(() => own.createPeer({ codecs: ['VP8'] })).toThrow(expect.objectContaining({ code: 'SERVER_CLOSING' }));
  });

  it('for its own machine names loopback first, then what browsers use that leave loopback out', async () => {
    const own = await createPeerHost({ host: '0.0.0.0', port: 0, ownMachineOnly: true });
    const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
    const ips = candidatesOf(await own.createPeer({ codecs: ['VP8'] }).answer(client.offer));
    expect(ips[0]).toBe('127.0.0.1');
    const others = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    const lan = others.find(({ internal, family }) => !internal && family === 'IPv4');
    if (lan) expect(ips).toContain(lan.address);
    client.close();
    await own.close();
  });

  it.runIf(Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1')))(
    'connects over IPv6 too',
    async () => {
      const own = await createPeerHost({ host: '::1', port: 0 });
      const client = new LoopbackClient(createDtlsCertificate(), '::1');
      const peer = own.createPeer({ codecs: ['VP8'] });
      await client.connect(await peer.answer(client.offer), { address: '::1', port: own.address.port });
      expect(peer.state).toBe('connected');
      client.close();
      await own.close();
    },
  );
});

describe('a port in use', () => {
  it('is CONFIG_INVALID and names the port', async () => {
    const before = takeHoldings();
    await expect(createPeerHost(host.address)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`${host.address.port}`) as string,
    });
    await expectNoLeaks(before);
  });

  it('is also what a host name instead of an address gets', async () => {
    await expect(createPeerHost({ host: 'localhost', port: 0 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
