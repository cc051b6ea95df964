/**
 * The DTLS server against werift's client, in memory, over a network that loses, repeats and reorders; and the ground
 * we stand on in werift, so that an upgrade that moves it fails here and not in production.
 */
import { DtlsServer } from 'werift';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { createDtlsCertificate, type DtlsCertificate } from '../../../../src/transport/peer/dtls/dtls-certificate.ts';
import { prf } from '../../../../src/transport/peer/dtls/dtls-checks.ts';
import { DtlsSession } from '../../../../src/transport/peer/dtls/dtls-session.ts';
import { createDtlsClient } from '../../../../src/transport/peer/self-test/loopback-client.ts';
import { SRTP_PROFILE, SRTP_PROFILES, type SrtpMasterKeys } from '../../../../src/transport/peer/srtp/srtp-keys.ts';
import { createWeriftDtls } from '../../../../src/transport/peer/dtls/werift-dtls.ts';
import { until } from '../../../support/werift-client.ts';

let ours: DtlsCertificate;
let theirs: DtlsCertificate;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([createDtlsCertificate(), createDtlsCertificate()]);
});

const nowUs = (): number => Math.round(systemClock.nowUs());

type Network = (datagram: Buffer, deliver: (datagram: Buffer) => void) => void;
const perfect: Network = (datagram, deliver) => queueMicrotask(() => deliver(datagram));

/** A session and a client joined by `toServer`; everything the server sends arrives. */
function join(toServer: Network, { profiles = SRTP_PROFILES, expected = theirs.fingerprint } = {}) {
  const fromServer: Buffer[] = [];
  const [hash, value] = expected.split(' ');
  const session = new DtlsSession({
    certificate: ours,
    fingerprints: [{ hash: hash as 'sha-256', value: value! }],
    send: (datagram) => {
      fromServer.push(datagram);
      perfect(datagram, (arrived) => client.transport.socket.onData(arrived, ['', 0]));
    },
    onRefused: () => {},
  });
  const client = createDtlsClient(
    theirs,
    (datagram) => toServer(datagram, (arrived) => session.receive(arrived, nowUs())),
    profiles,
  );
  const state: { keys?: SrtpMasterKeys; failure?: string; closed?: boolean } = {};
  session.events.on('connected', (keys) => Object.assign(state, { keys }));
  session.events.on('failed', ({ message }) => Object.assign(state, { failure: message }));
  session.events.on('closed', () => Object.assign(state, { closed: true }));
  client.connect().catch(() => {});
  return { session, client, state, fromServer, stop: () => (client.dtls.flight = 99) };
}

/** Delivers each flight at once, as `order` makes it. */
const batch = (order: (flight: Buffer[]) => Buffer[]): Network => {
  let flight: Buffer[] = [];
  return (datagram, deliver) => {
    if (flight.length === 0) {
      setImmediate(() => {
        const arrived = order(flight);
        flight = [];
        for (const one of arrived) deliver(one);
      });
    }
    flight.push(Buffer.from(datagram));
  };
};

/** Finished cannot be decrypted before the key exchange, so it keeps its place and all before it are turned round. */
const reverse = (flight: Buffer[]): Buffer[] => [...flight.slice(0, -1).toReversed(), ...flight.slice(-1)];

describe('a DTLS session', () => {
  it('agrees on AES-GCM without HelloVerifyRequest, and on keys the client has too', async () => {
    const { state, client, session, fromServer, stop } = join(perfect);
    await until(() => state.keys !== undefined && client.connected);
    expect(state.keys).toMatchObject({ profile: SRTP_PROFILE.aeadAes128Gcm });
    const { localKey, remoteKey, remoteSalt } = client.extractSessionKeys(16, 12);
    expect(state.keys).toMatchObject({ localKey: remoteKey, remoteKey: localKey, localSalt: remoteSalt });
    // The first message is ServerHello (2), numbered 0.
    expect([fromServer[0]![13], fromServer[0]!.readUInt16BE(17)]).toEqual([2, 0]);
    session.close();
    stop();
  });

  it('falls back to AES-CM for a client that knows nothing else', async () => {
    const { state, session, stop } = join(perfect, { profiles: [SRTP_PROFILE.aes128CmHmacSha1_80] });
    await until(() => state.keys !== undefined);
    expect(state.keys!.profile).toBe(SRTP_PROFILE.aes128CmHmacSha1_80);
    expect(state.keys!.localSalt).toHaveLength(14);
    session.close();
    stop();
  });

  it('connects when the client’s datagrams come in reverse or twice', async () => {
    for (const order of [reverse, (flight: Buffer[]) => flight.flatMap((datagram) => [datagram, datagram])]) {
      const { state, session, stop } = join(batch(order));
      await until(() => state.keys !== undefined);
      expect(state.failure).toBeUndefined();
      session.close();
      stop();
    }
  });

  it('sends its first flight again once an interval, however many hellos are repeated', async () => {
    const hellos: Buffer[] = [];
    const { session, fromServer, stop } = join((datagram, deliver) => {
      hellos.push(Buffer.from(datagram));
      if (hellos.length === 1) perfect(datagram, deliver);
    });
    await until(() => fromServer.length >= 5);
    const flight = fromServer.length;
    const laterUs = nowUs() + 1_000_000;
    for (let count = 0; count < 200; count++) session.receive(hellos[0]!, laterUs + 100 * count);
    expect(fromServer.length).toBe(2 * flight);
    session.close();
    stop();
  });

  it('takes each record of data once', async () => {
    const records: Buffer[] = [];
    const { state, session, client, stop } = join((datagram, deliver) => {
      if (datagram[0] === 23) records.push(Buffer.from(datagram));
      perfect(datagram, deliver);
    });
    await until(() => state.keys !== undefined && client.connected);
    const heard: string[] = [];
    session.events.on('data', (data) => heard.push(data.toString()));
    for (const text of ['one', 'two']) await client.send(Buffer.from(text));
    await until(() => heard.length === 2);
    expect(records.map((record) => session.receive(record, nowUs()))).toEqual(['none', 'none']);
    expect(heard).toEqual(['one', 'two']);
    session.close();
    stop();
  });

  it('answers a repeated Finished with its last flight', async () => {
    let finished: Buffer | undefined;
    const { state, session, fromServer, stop } = join((datagram, deliver) => {
      if (datagram[0] === 22 && datagram.readUInt16BE(3) === 1) finished = Buffer.from(datagram);
      perfect(datagram, deliver);
    });
    await until(() => state.keys !== undefined);
    const flight = fromServer.slice(-2);
    const copies = (): number => fromServer.filter((datagram) => datagram.equals(flight[1]!)).length;
    const laterUs = nowUs() + 1_000_000;
    session.receive(finished!, laterUs);
    expect(fromServer.slice(-2)).toEqual(flight);
    expect(copies()).toBe(2);
    // Once an interval, however often it is repeated.
    for (let count = 0; count < 100; count++) session.receive(finished!, laterUs + count);
    expect(copies()).toBe(2);
    session.receive(finished!, laterUs + 40_000);
    expect(copies()).toBe(3);
    session.close();
    stop();
  });

  it('uses each record number, and so each nonce, once', async () => {
    const { state, session, client, fromServer, stop } = join(perfect);
    await until(() => state.keys !== undefined && client.connected);
    for (let index = 0; index < 30; index += 1) await session.send(Buffer.from([index]));
    session.close();
    const numbers = fromServer
      .filter((datagram) => datagram.readUInt16BE(3) === 1)
      .map((datagram) => datagram.readUIntBE(5, 6));
    expect(numbers).toHaveLength(32);
    expect(new Set(numbers).size).toBe(32);
    stop();
  });

  it('fails when the certificate is not the one that was announced', async () => {
    const { state, stop } = join(perfect, { expected: ours.fingerprint });
    await until(() => state.failure !== undefined);
    expect(state.failure).toMatch(/does not match the fingerprint/);
    expect(state.keys).toBeUndefined();
    stop();
  });

  it('fails when one byte of CertificateVerify or Finished is wrong', async () => {
    for (const [type, why] of [
      [15, /CertificateVerify/],
      [16, /CertificateVerify|broke off|Finished/],
    ] as const) {
      const { state, stop } = join((datagram, deliver) => {
        const tampered = Buffer.from(datagram);
        if (datagram[0] === 22 && datagram.readUInt16BE(3) === 0 && datagram[13] === type)
          tampered[tampered.length - 1]! ^= 1;
        perfect(tampered, deliver);
      });
      await until(() => state.failure !== undefined);
      expect(state.failure).toMatch(why);
      expect(state.keys).toBeUndefined();
      stop();
    }
  });

  it('hears the client’s close_notify', async () => {
    const { state, session, client, stop } = join(perfect);
    await until(() => state.keys !== undefined && client.connected);
    const record = {
      recordLayerHeader: {
        contentType: 21,
        protocolVersion: { major: 254, minor: 253 },
        epoch: 1,
        sequenceNumber: 99,
        contentLen: 2,
      },
      fragment: Buffer.from([1, 0]),
    };
    const { fragment } = (
      client.cipher as unknown as { encryptPacket(plain: typeof record): typeof record }
    ).encryptPacket(record);
    const header = Buffer.from('15fefd00010000000000630000', 'hex');
    header.writeUInt16BE(fragment.length, 11);
    session.receive(Buffer.concat([header, fragment]), nowUs());
    expect(state.closed).toBe(true);
    stop();
  });
});

describe('the ground in werift 0.25.2', () => {
  it('has the members we reach into', () => {
    const server = createWeriftDtls(ours, SRTP_PROFILES, () => {});
    expect(server).toBeInstanceOf(DtlsServer);
    expect(Object.keys(server)).toEqual(expect.arrayContaining(['transport', 'dtls', 'cipher', 'srtp', 'connected']));
    expect(server.handleFragmentHandshake([])).toEqual([]);
    expect(typeof server.onHandleHandshakes).toBe('function');
    expect(server.dtls).toMatchObject({ flight: 0, sequenceNumber: 0, recordSequenceNumber: 0, lastMessage: [] });
    expect(server.dtls.sortedHandshakeCache).toEqual([]);
    expect(server.cipher).toMatchObject({
      encryptPacket: expect.any(Function) as unknown,
      decryptPacket: expect.any(Function) as unknown,
    });
  });

  it('computes the same pseudorandom function', () => {
    // TLS 1.2 P_SHA256 test vector of the IETF TLS list (2009).
    const out = prf(
      Buffer.from('9bbe436ba940f017b17652849a71db35', 'hex'),
      'test label',
      Buffer.from('a0ba9f936cda311827a6f796ffd5198c', 'hex'),
      100,
    );
    expect(out.subarray(0, 16).toString('hex')).toBe('e3f229ba727be17b8d122620557cd453');
  });
});
