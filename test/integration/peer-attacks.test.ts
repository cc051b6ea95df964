/** What strangers and impostors try against the media port, each as one test. */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Peer, PeerHost } from '../../src/transport/peer/contract.ts';
import { createDtlsCertificate } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { LoopbackClient } from '../../bench/support/wire/loopback-client.ts';
import { createPeerHost } from '../../src/transport/peer/peer-host.ts';
import { writeBindingRequest } from '../../src/transport/peer/ice/stun.ts';
import { createWeriftClient, until, type WeriftClient } from '../support/werift-client.ts';

/** Level fatal, certificate unknown; and level warning, close_notify. */
const PLAINTEXT_ALERTS = ['15fefd000000000000000000020230', '15fefd000000000000000000020100'];
/** The same in epoch 1, where werift would still read it as plaintext, and a record type nobody knows. */
const FORGED_EPOCH_1 = ['15fefd000100000000ffff00020100', '1efefd000100000000ffff00020100'];
const PLAINTEXT_HELLO = clientHello();

let host: PeerHost;
let stranger: Socket;
beforeAll(async () => {
  host = await createPeerHost({ host: '127.0.0.1', port: 0 });
  stranger = createSocket('udp4');
  await new Promise<void>((resolve) => {
    stranger.bind(0, '127.0.0.1', resolve);
  });
});
afterAll(async () => {
  stranger.close();
  await host.close();
});

/** A hello that werift's server would act on: P-256 certificate suite, no cookie, no extensions. */
function clientHello(): Buffer {
  const body = Buffer.concat([
    Buffer.from('fefd', 'hex'),
    Buffer.alloc(32),
    Buffer.from([0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 0]),
  ]);
  const header = Buffer.alloc(12);
  header[0] = 1;
  header.writeUIntBE(body.length, 1, 3);
  header.writeUIntBE(body.length, 9, 3);
  const record = Buffer.from('16fefd00000000000000090000', 'hex');
  record.writeUInt16BE(header.length + body.length, 11);
  return Buffer.concat([record, header, body]);
}

function sendFromStranger(datagram: Buffer): Promise<void> {
  return new Promise((resolve) => {
    stranger.send(datagram, host.address.port, '127.0.0.1', () => resolve());
  });
}

function nextClose(peer: Peer): Promise<string> {
  return new Promise((resolve) => {
    peer.events.on('state', (state, reason) => {
      if (state === 'closed') resolve(reason);
    });
  });
}

/** The session still works both ways. */
async function expectAlive(peer: Peer, client: WeriftClient): Promise<void> {
  const before = client.received.length;
  const { ssrc, payloadType } = peer.path!.video;
  const payload = Buffer.from('alive');
  peer.path!.sendRtp({ ssrc, payloadType, sequenceNumber: 100 + before, rtpTimestamp: 1, marker: true, payload });
  await until(() => client.received.length > before);
  const heard = new Promise((resolve) => {
    peer.events.once('control', resolve);
  });
  client.channel.send('ping');
  await heard;
  expect(peer.state).toBe('connected');
}

async function connected(): Promise<{ client: WeriftClient; peer: Peer }> {
  const client = createWeriftClient();
  const peer = host.createPeer({ codecs: ['VP8'] });
  await client.connect(peer);
  await until(() => client.channel.readyState === 'open');
  return { client, peer };
}

describe('an impostor', () => {
  it('who shows the right certificate without its key is refused', async () => {
    const [victim, other] = [createDtlsCertificate(), createDtlsCertificate()];
    const client = new LoopbackClient({ ...victim, privateKey: other.privateKey }, '127.0.0.1');
    const peer = host.createPeer({ codecs: ['VP8'] });
    const closed = nextClose(peer);
    const answer = await peer.answer(client.offer);
    void client.connect(answer, { address: '127.0.0.1', port: host.address.port });
    expect(await closed).toMatch(/^PEER_UNTRUSTED: DTLS: CertificateVerify/);
    expect(peer.path).toBeUndefined();
    client.close();
  });

  it('who shows another certificate is refused', async () => {
    const [victim, own] = [createDtlsCertificate(), createDtlsCertificate()];
    const client = new LoopbackClient(own, '127.0.0.1');
    const peer = host.createPeer({ codecs: ['VP8'] });
    const closed = nextClose(peer);
    const answer = await peer.answer(client.offer.replace(own.fingerprint, victim.fingerprint));
    void client.connect(answer, { address: '127.0.0.1', port: host.address.port });
    expect(await closed).toMatch(/^PEER_UNTRUSTED: DTLS: the certificate does not match/);
    client.close();
  });
});

describe('a stranger', () => {
  it('cannot be nominated without the password', async () => {
    const { client, peer } = await connected();
    const username = client.pc.iceTransports[0]!.connection.remoteUsername;
    const before = host.dropped['stunIntegrity']!;
    const transactionId = Buffer.alloc(12, 7);
    const guess = { transactionId, username: `${username}:x`, password: 'a guess', useCandidate: true };
    const answers: Buffer[] = [];
    stranger.on('message', (datagram) => answers.push(datagram));
    await sendFromStranger(writeBindingRequest(guess));
    // The same with its MESSAGE-INTEGRITY and FINGERPRINT cut off.
    const bare = Buffer.from(writeBindingRequest(guess).subarray(0, -32));
    bare.writeUInt16BE(bare.length - 20, 2);
    await sendFromStranger(bare);
    await until(() => host.dropped['stunIntegrity'] === before + 2);
    await expectAlive(peer, client);
    expect(answers).toEqual([]);
    stranger.removeAllListeners('message');
    await peer.close('done');
    await client.close();
  });

  it('cannot end a session with alerts or hellos from another port', async () => {
    const { client, peer } = await connected();
    const before = host.dropped['offPath']!;
    const forged = [...PLAINTEXT_ALERTS, ...FORGED_EPOCH_1].map((hex) => Buffer.from(hex, 'hex'));
    for (const datagram of [...forged, PLAINTEXT_HELLO]) await sendFromStranger(datagram);
    await until(() => host.dropped['offPath'] === before + 5);
    await expectAlive(peer, client);
    await peer.close('done');
    await client.close();
  });

  it('cannot end a session with alerts or hellos forged from the session’s own address', async () => {
    const { client, peer } = await connected();
    const before = host.dropped['dtlsRefused']!;
    for (const hex of [...PLAINTEXT_ALERTS, ...FORGED_EPOCH_1]) await client.sendRaw(Buffer.from(hex, 'hex'));
    await client.sendRaw(PLAINTEXT_HELLO);
    await client.sendRaw(Buffer.from('16fefd', 'hex'));
    await expectAlive(peer, client);
    expect(host.dropped['dtlsRefused']).toBe(before + 5);
    await peer.close('done');
    await client.close();
  });

  it('gets nothing out of rubbish', async () => {
    const received = host.dropped['receiveFailed'];
    for (const hex of ['', '00', '0001', '000100002112a442', '14', '80c8', 'ff', '010100002112a442']) {
      await sendFromStranger(Buffer.from(hex, 'hex'));
    }
    const { client, peer } = await connected();
    await client.sendRaw(Buffer.from('80c80001aabbccdd', 'hex'));
    await client.sendRaw(Buffer.alloc(40, 0x80));
    await expectAlive(peer, client);
    expect(host.dropped['receiveFailed']).toBe(received);
    await peer.close('done');
    await client.close();
  });
});

describe('a replayed SRTCP packet', () => {
  it('is heard once', async () => {
    const { client, peer } = await connected();
    const compounds: Uint8Array[] = [];
    peer.events.on('rtcp', (compound) => compounds.push(compound));
    const pli = client.pc.dtlsTransports[0]!.srtcp.encrypt(Buffer.from('81ce0002000000010000000f', 'hex'));
    for (let time = 0; time < 3; time += 1) await client.sendRaw(pli);
    await expectAlive(peer, client);
    expect(compounds.filter(([, type]) => type === 206)).toHaveLength(1);
    await peer.close('done');
    await client.close();
  });
});

describe('a client that is let in', () => {
  it('ends only its own session with a broken SCTP packet', async () => {
    const { client, peer } = await connected();
    const neighbour = await connected();
    const closed = nextClose(peer);
    // An INIT chunk bundled with another: werift's association throws.
    const init = Buffer.concat([
      Buffer.from('1388138800000000', 'hex'),
      Buffer.alloc(4),
      Buffer.from('010000140000000100000001000100010000000a', 'hex'),
    ]);
    await client.pc.dtlsTransports[0]!.dtls!.send(Buffer.concat([init, init.subarray(12)]));
    await client.pc.dtlsTransports[0]!.dtls!.send(Buffer.from('00', 'hex'));
    expect(await closed).toBe('the data channel failed');
    await expectAlive(neighbour.peer, neighbour.client);
    await neighbour.peer.close('done');
    await neighbour.client.close();
    await client.close();
  });
});
