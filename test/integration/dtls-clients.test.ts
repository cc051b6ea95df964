/** The DTLS server and clients that no one here wrote: OpenSSL, libwebrtc and werift. Browsers, aiortc and others have tests of their own. */
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { PeerHost } from '../../src/transport/peer/contract.ts';
import { createDtlsCertificate, fingerprintOf } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { DtlsSession } from '../../src/transport/peer/dtls/dtls-session.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { SRTP_PROFILE, type SrtpMasterKeys } from '../../src/transport/peer/srtp/srtp-keys.ts';
import { eventually } from '../support/eventually.ts';
import { OpensslClient, type Moods } from '../support/openssl-client.ts';
import { createWeriftDtlsClient } from '../support/werift-dtls-client.ts';

/** What `EXTRACTOR-dtls_srtp` gives, of the server's keys. */
const materialOf = ({ remoteKey, localKey, remoteSalt, localSalt }: SrtpMasterKeys): string =>
  Buffer.concat([remoteKey, localKey, remoteSalt, localSalt]).toString('hex');

describe('openssl s_client', () => {
  it.each([
    ['X25519', ['-curves', 'X25519:P-256']],
    ['P-256', ['-curves', 'P-256']],
    ['small fragments', ['-mtu', '256']],
  ])('connects with %s, derives the same SRTP keys, and carries data both ways', async (_name, options) => {
    await using client = await OpensslClient.start(options);
    await eventually(() => expect(client.exported).toBeDefined());
    await eventually(() => expect(client.keys).toMatchObject({ profile: SRTP_PROFILE.aeadAes128Gcm }));
    expect(materialOf(client.keys!)).toBe(client.exported);
    expect(client.output).toMatch(/ECDHE-ECDSA-AES128-GCM-SHA256/);
    expect(client.output).toMatch(/Secure Renegotiation IS supported/);
    expect(client.output).toMatch(/Extended master secret: yes/);
    client.send('up from openssl\n');
    client.session.send(Buffer.from('down to openssl\n'));
    await eventually(() => expect(client.heard).toBe('up from openssl\n'));
    await eventually(() => expect(client.output).toMatch(/down to openssl/));
    client.end();
    await eventually(() => expect(client.closed).toBe(true));
  });

  it.each<[string, Partial<Moods>]>([
    ['loses the first each way', { toServer: ['lose'], toClient: ['lose'] }],
    ['doubles all', { toServer: ['twice', 'twice', 'twice', 'twice'], toClient: ['twice', 'twice'] }],
    ['turns fragments round', { toServer: ['pass', 'late', 'pass', 'late'] }],
    [
      'loses a part of the client’s flight, and our answer',
      { toServer: ['pass', 'pass', 'lose'], toClient: ['pass', 'lose'] },
    ],
    ['does all of it', { toServer: ['lose', 'twice', 'late', 'pass', 'lose'], toClient: ['twice', 'lose'] }],
  ])('connects through a relay that %s', async (_name, moods) => {
    // Small datagrams, so that a flight is several.
    await using client = await OpensslClient.start(['-mtu', '256'], moods);
    await eventually(() => expect(client.exported).toBeDefined());
    await eventually(() => expect(client.keys).toBeDefined());
    expect(materialOf(client.keys!)).toBe(client.exported);
    // First down: a doubled flight makes s_client wait for a record before it reads its input.
    client.session.send(Buffer.from('down to openssl\n'));
    await eventually(() => expect(client.output).toMatch(/down to openssl/));
    client.send('through it all\n');
    await eventually(() => expect(client.heard).toBe('through it all\n'));
  });
});

describe('werift’s DTLS client', () => {
  it.each([
    ['in order', 0],
    ['after its first Finished, and our answer to it, were lost', 1],
  ])('connects %s', async (_name, losses) => {
    const theirs = createDtlsCertificate();
    let [lostUp, lostDown] = [0, 0];
    const isFinished = (datagram: Buffer): boolean => datagram[0] === 22 && datagram.readUInt16BE(3) === 1;
    const session = new DtlsSession({
      certificate: createDtlsCertificate(),
      fingerprints: [{ hash: 'sha-256', value: fingerprintOf(theirs.der, 'sha-256') }],
      clock: systemClock,
      onRefused: () => {},
      send: (datagram) => {
        if (datagram[0] === 20 && lostDown++ < losses) return;
        queueMicrotask(() => {
          // werift reads one record of a datagram after another by itself.
          client.transport.socket.onData(datagram, ['', 0]);
        });
      },
    });
    const client = createWeriftDtlsClient(theirs, (datagram) => {
      if (isFinished(datagram) && lostUp++ < losses) return;
      const copy = Buffer.from(datagram);
      queueMicrotask(() => session.receive(copy, systemClock.nowUs()));
    });
    let keys: SrtpMasterKeys | undefined;
    const heard: string[] = [];
    session.events.on('connected', (established) => (keys = established));
    session.events.on('data', (data) => heard.push(data.toString()));
    client.connect().catch(() => {});
    await eventually(() => expect([keys !== undefined, client.connected]).toEqual([true, true]));
    const { localKey, remoteKey, remoteSalt } = client.extractSessionKeys(16, 12);
    expect(keys).toMatchObject({ localKey: remoteKey, remoteKey: localKey, localSalt: remoteSalt });
    await client.send(Buffer.from('hello'));
    await eventually(() => expect(heard).toEqual(['hello']));
    session.close();
    client.dtls.flight = 99;
  });
});

describe('libwebrtc, as @roamhq/wrtc', () => {
  let host: PeerHost;
  beforeAll(async () => {
    host = await createPeerHost({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => host.close());

  it('connects, and opens its data channel', async () => {
    const wrtc = createRequire(import.meta.url)('@roamhq/wrtc') as { RTCPeerConnection: typeof RTCPeerConnection };
    const viewer = new wrtc.RTCPeerConnection();
    viewer.addTransceiver('video', { direction: 'recvonly' });
    const channel = viewer.createDataChannel('control');
    const peer = host.createPeer({ codecs: ['VP8'] });
    const heard: string[] = [];
    peer.events.on('control', (text) => heard.push(text));
    channel.addEventListener('open', () => channel.send('hello'));
    await viewer.setLocalDescription(await viewer.createOffer());
    await viewer.setRemoteDescription({ type: 'answer', sdp: await peer.answer(viewer.localDescription!.sdp) });
    await eventually(() => expect([peer.state, heard]).toEqual(['connected', ['hello']]));
    viewer.close();
    await eventually(() => expect(peer.state).toBe('closed'));
  });
});
