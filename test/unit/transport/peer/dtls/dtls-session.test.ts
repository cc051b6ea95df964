/** The DTLS server against a client on its own wire code, in memory and in virtual time: what it agrees on, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../../../bench/link/virtual-time.ts';
import { createDtlsCertificate } from '../../../../../src/transport/peer/dtls/dtls-certificate.ts';
import { GROUP } from '../../../../../src/transport/peer/dtls/key-share.ts';
import { ALERT, CONTENT, HANDSHAKE, readRecords } from '../../../../../src/transport/peer/dtls/records.ts';
import { SRTP_PROFILE } from '../../../../../src/transport/peer/srtp/srtp-keys.ts';
import { CLIENT, DtlsPair, perfect, sessionFor, type Network } from '../../../../support/dtls-pair.ts';

/** First byte of the handshake message of a plaintext record. */
const messageType = (datagram: Buffer): number | undefined =>
  datagram[0] === CONTENT.handshake && datagram.readUInt16BE(3) === 0 ? datagram[13] : undefined;
const isFinished = (datagram: Buffer): boolean => datagram[0] === CONTENT.handshake && datagram.readUInt16BE(3) === 1;
/** Changes the client's datagrams on their way. */
const changing = (change: (datagram: Buffer) => void): Network => {
  return (datagram, direction) => {
    if (direction === 'toServer') change(datagram);
    return perfect(datagram, direction);
  };
};

describe('a DTLS session', () => {
  it.each([
    ['X25519', GROUP.x25519],
    ['P-256', GROUP.p256],
  ])('agrees on keys with %s and AES-GCM, without HelloVerifyRequest, in two round trips', (_name, group) => {
    const pair = new DtlsPair(perfect, { groups: [group] }).connect(20);
    expect(pair.connected).toBe(true);
    const { serverKeys, clientKeys } = pair;
    expect(serverKeys!.profile).toBe(SRTP_PROFILE.aeadAes128Gcm);
    expect(serverKeys).toMatchObject({ localKey: clientKeys!.remoteKey, remoteKey: clientKeys!.localKey });
    expect(serverKeys).toMatchObject({ localSalt: clientKeys!.remoteSalt, remoteSalt: clientKeys!.localSalt });
    // Our flights are a datagram each, and the first message is ServerHello, numbered 0.
    expect(pair.fromServer).toHaveLength(2);
    expect([messageType(pair.fromServer[0]!), pair.fromServer[0]!.readUInt16BE(17)]).toEqual([
      HANDSHAKE.serverHello,
      0,
    ]);
  });

  it('falls back to AES-CM for a client that knows nothing else', () => {
    const { serverKeys } = new DtlsPair(perfect, { profiles: [SRTP_PROFILE.aes128CmHmacSha1_80] }).connect();
    expect(serverKeys!.profile).toBe(SRTP_PROFILE.aes128CmHmacSha1_80);
    expect(serverKeys!.localSalt).toHaveLength(14);
  });

  it('carries data both ways, and none before it is connected', () => {
    const pair = new DtlsPair();
    pair.session.send(Buffer.from('too early'));
    pair.connect();
    pair.client.send(Buffer.from('up'));
    pair.session.send(Buffer.from('down'));
    pair.time.advance(10);
    expect([pair.serverHeard, pair.clientHeard]).toEqual([['up'], ['down']]);
  });

  it('sends its first flight again once an interval, however many hellos are repeated', () => {
    const pair = new DtlsPair((datagram) => (messageType(datagram) === HANDSHAKE.clientHello ? [5] : []));
    pair.client.start();
    pair.time.advance(45);
    expect(pair.fromServer).toHaveLength(1);
    for (let count = 0; count < 200; count++) pair.session.receive(pair.fromClient[0]!, pair.time.nowUs());
    // A record of 25 bytes that only looks like a hello does no more.
    const short = Buffer.from('16fefd0000000000000009000c010000000000000000000000', 'hex');
    for (let count = 0; count < 200; count++) pair.session.receive(short, pair.time.nowUs());
    expect(pair.fromServer).toHaveLength(2);
    pair.session.close();
  });

  it('repeats an unanswered flight five times at growing intervals, then leaves it to the client', () => {
    const sentMs: number[] = [];
    const pair = new DtlsPair((_datagram, direction) => {
      if (direction === 'toClient') sentMs.push(pair.time.nowUs() / 1_000 - 1_005);
      return direction === 'toServer' ? [5] : [];
    });
    pair.client.start();
    pair.time.advance(60_000);
    expect(sentMs).toEqual([0, 200, 600, 1_400, 3_000, 6_200]);
    pair.session.close();
    expect(pair.time.timers).toBe(0);
  });

  it('numbers every record anew when it repeats a flight, so no nonce is used twice', () => {
    let finished: Buffer | undefined;
    const pair = new DtlsPair(
      changing((datagram) => (finished = isFinished(datagram) ? datagram : finished)),
    ).connect();
    for (let index = 0; index < 20; index += 1) {
      pair.session.send(Buffer.from([index]));
      pair.time.advance(50);
      pair.session.receive(finished!, pair.time.nowUs());
    }
    pair.session.close();
    const numbers = pair.fromServer.flatMap(readRecords).map(({ epoch, sequence }) => `${epoch}.${sequence}`);
    expect(numbers.filter((number) => number.startsWith('1.'))).toHaveLength(1 + 20 + 20 + 1);
    expect(new Set(numbers).size).toBe(numbers.length);
    // The explicit nonce is the number.
    for (const { epoch, sequence, body } of pair.fromServer.flatMap(readRecords)) {
      if (epoch === 1) expect(body.readUIntBE(2, 6)).toBe(sequence);
    }
  });

  it('answers a repeated Finished with its last flight, once an interval', () => {
    let finished: Buffer | undefined;
    const pair = new DtlsPair(
      changing((datagram) => (finished = isFinished(datagram) ? datagram : finished)),
    ).connect();
    const before = pair.fromServer.length;
    const nowUs = pair.time.nowUs();
    for (let count = 0; count < 100; count++) expect(pair.session.receive(finished!, nowUs + count)).toBe('none');
    expect(pair.fromServer).toHaveLength(before + 1);
    pair.session.receive(finished!, nowUs + 40_000);
    expect(pair.fromServer).toHaveLength(before + 2);
    // The client can read it, though it has seen the first.
    expect(readRecords(pair.fromServer.at(-1)!).map(({ type }) => type)).toEqual([
      CONTENT.changeCipherSpec,
      CONTENT.handshake,
    ]);
  });

  it('takes each record of data once', () => {
    const records: Buffer[] = [];
    const pair = new DtlsPair(
      changing((datagram) => void (datagram[0] === 23 && records.push(Buffer.from(datagram)))),
    ).connect();
    for (const text of ['one', 'two']) pair.client.send(Buffer.from(text));
    pair.time.advance(10);
    expect(records.map((record) => pair.session.receive(record, pair.time.nowUs()))).toEqual(['none', 'none']);
    expect(pair.serverHeard).toEqual(['one', 'two']);
    expect(pair.refused).toBe(2);
  });

  it('closes with close_notify, and hears the client’s', () => {
    const closing = new DtlsPair().connect();
    closing.session.close();
    expect(closing.fromServer.at(-1)![0]).toBe(CONTENT.alert);
    closing.client.send(Buffer.from('late'));
    closing.time.advance(10);
    expect(closing.serverHeard).toEqual([]);

    const closed = new DtlsPair().connect();
    closed.client.sendAlert(ALERT.warning, ALERT.closeNotify);
    closed.time.advance(10);
    expect(closed.closed).toBe(true);
  });

  it('lives on after a warning', () => {
    const pair = new DtlsPair().connect();
    pair.client.sendAlert(ALERT.warning, 90);
    pair.client.send(Buffer.from('still here'));
    pair.time.advance(10);
    expect([pair.closed, pair.serverHeard]).toEqual([false, ['still here']]);
  });
});

describe('a DTLS session refuses', () => {
  /** The alert a client is told, in the clear. */
  const lastAlert = ({ fromServer }: DtlsPair): number[] => [...fromServer.at(-1)!.subarray(13)];

  it('a certificate that is not the one that was announced', () => {
    const pair = new DtlsPair(perfect, {}, createDtlsCertificate()).connect();
    expect(pair.failure).toMatch(/does not match the fingerprint/);
    expect(pair.serverKeys).toBeUndefined();
    expect(lastAlert(pair)).toEqual([ALERT.fatal, ALERT.badCertificate]);
  });

  it('a certificate whose key the client does not hold', () => {
    const { privateKey } = createDtlsCertificate();
    const pair = new DtlsPair(perfect, { certificate: { ...CLIENT, privateKey } }).connect();
    expect(pair.failure).toMatch(/CertificateVerify/);
    expect(pair.serverKeys).toBeUndefined();
    expect(lastAlert(pair)).toEqual([ALERT.fatal, ALERT.decryptError]);
  });

  it.each([
    [HANDSHAKE.clientHello, 'ServerKeyExchange signs another random', undefined],
    [HANDSHAKE.certificate, 'the certificate is another', /does not match the fingerprint/],
    [HANDSHAKE.clientKeyExchange, 'the secret is another', /CertificateVerify/],
    [HANDSHAKE.certificateVerify, 'the signature is wrong', /CertificateVerify/],
  ])('a handshake with one byte of message %i changed: %s', (type, _why, failure) => {
    const pair = new DtlsPair(
      changing((datagram) => {
        // In the random of the hello, and near the end of others.
        const at = type === HANDSHAKE.clientHello ? 40 : datagram.length - 10;
        if (messageType(datagram) === type) datagram[at]! ^= 1;
      }),
    );
    pair.connect();
    expect(pair.connected).toBe(false);
    expect(pair.serverKeys).toBeUndefined();
    if (failure) expect(pair.failure).toMatch(failure);
  });

  it('a Finished that is forged, plain, or that comes before its proofs', () => {
    // Changed under its tag: dropped, and the handshake never ends.
    const forged = new DtlsPair(changing((datagram) => void (isFinished(datagram) && (datagram[30]! ^= 1)))).connect();
    expect(forged.serverKeys).toBeUndefined();
    expect(forged.refused).toBeGreaterThan(0);
    // In plaintext, with CertificateVerify withheld.
    const plain = new DtlsPair((datagram, direction) => {
      if (messageType(datagram) === HANDSHAKE.certificateVerify) return [];
      return perfect(datagram, direction);
    });
    plain.connect();
    for (const sequence of [3, 4]) {
      const finished = Buffer.from(
        '16fefd00000000000000640018140000 0c0004000000 00000c'.replaceAll(' ', '') + '00'.repeat(12),
        'hex',
      );
      finished.writeUInt16BE(sequence, 17);
      plain.session.receive(finished, plain.time.nowUs());
    }
    expect([plain.serverKeys, plain.failure]).toEqual([undefined, undefined]);
    plain.session.close();
  });

  it('forged alerts, at any time', () => {
    const alerts = [
      '15fefd000000000000000900020230',
      '15fefd000000000000000900020100',
      '15fefd000100000000ffff00020100',
    ];
    const forge = (pair: DtlsPair): void => {
      for (const hex of alerts) pair.session.receive(Buffer.from(hex, 'hex'), pair.time.nowUs());
    };
    const pair = new DtlsPair();
    forge(pair);
    pair.client.start();
    pair.time.advance(12);
    forge(pair);
    pair.time.advance(20);
    expect(pair.connected).toBe(true);
    forge(pair);
    pair.client.send(Buffer.from('alive'));
    pair.time.advance(10);
    expect([pair.serverHeard, pair.closed]).toEqual([['alive'], false]);
  });

  it('what is not its own kind of record, or has no place after the handshake', () => {
    const pair = new DtlsPair().connect();
    const before = pair.refused;
    const records = [
      // A plaintext hello, data in plaintext, an unknown type, an epoch of the future, and one too short for its tag.
      '16fefd0000000000000009000c010000000000000000000000',
      '17fefd0000000000000009000100',
      '1efefd000100000000ffff00020100',
      '17fefd0002000000000001000100',
      '17fefd000100000000ffff00020100',
    ];
    for (const hex of records) pair.session.receive(Buffer.from(hex, 'hex'), pair.time.nowUs());
    expect(pair.refused).toBe(before + records.length);
    expect(pair.fromServer).toHaveLength(2);
  });

  it('more records in a second than a viewer needs', () => {
    const pair = new DtlsPair().connect();
    const junk = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from('17fefd000100000000ffff0000', 'hex')));
    for (let count = 0; count < 30; count++) pair.session.receive(junk, pair.time.nowUs());
    pair.client.send(Buffer.from('crowded out'));
    pair.time.advance(6);
    pair.client.send(Buffer.from('heard again'));
    pair.time.advance(1_000);
    expect(pair.refused).toBeGreaterThanOrEqual(3_000);
    pair.client.send(Buffer.from('and again'));
    pair.time.advance(10);
    expect(pair.serverHeard).toContain('and again');
  });

  it('any bytes, without an exception', () => {
    const time = new VirtualTime();
    const session = sessionFor(CLIENT, time, () => {});
    for (const hex of [
      '14',
      '16fefd',
      '16fefd00000000000000000000',
      '16fefd000000000000000000ffff',
      '16fefd00000000000000000001ff',
    ])
      expect(session.receive(Buffer.from(hex, 'hex'), time.nowUs())).toBe('none');
    session.close();
  });
});
